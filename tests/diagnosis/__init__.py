"""Tests of `runtime/diagnosis/`."""
