"""Tests of `harness_site/`."""
