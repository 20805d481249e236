"""Bringing reference databases along."""
