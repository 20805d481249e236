"""Tests; the folders mirror `runtime/` and `harness_site/`."""
