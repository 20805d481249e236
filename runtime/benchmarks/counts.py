"""How many, on a benchmark's command line: refused before anything is started."""

from __future__ import annotations

from argparse import ArgumentTypeError


def count(text: str) -> int:
    """A whole number, 1 or more: a type for argparse."""
    return _whole(text, 1)


def count_or_none(text: str) -> int:
    """A whole number, 0 (none of it) or more."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        found = int(text)
    except ValueError:
        found = least - 1
    if found < least:
        raise ArgumentTypeError(f"{text!r} is no whole number from {least}")
    return found
