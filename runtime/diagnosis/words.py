"""Durations, moments, numbers and names as a sentence of a diagnosis says them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

QUOTE = 200
_TIMES = ("", "once", "twice", "three times", "four times", "five times")
_ORDINALS = ("", "first", "second", "third", "fourth", "fifth")


def age(seconds: float) -> str:
    """ "12 s", "41 min", "2 h 05 min", "3 d 4 h"; what lies ahead of a clock counts as now."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def lasted(seconds: float) -> str:
    """`age` within a sentence, which says no "0 s"."""
    return age(seconds) if seconds >= 1 else "less than a second"


def since(moment: datetime, now: datetime) -> str:
    """How long ago a moment is."""
    return lasted((now - moment).total_seconds())


def clock(moment: datetime, now: datetime, *, seconds: bool = False) -> str:
    """ "05:10 UTC"; with the date when that is another day."""
    there = moment.astimezone(UTC)
    form = "%H:%M:%S" if seconds else "%H:%M"
    if there.date() != now.astimezone(UTC).date():
        form = f"%Y-%m-%d {form}"
    return f"{there.strftime(form)} UTC"


def times(count: int) -> str:
    """ "once", "twice", "five times", "12 times"."""
    return _TIMES[count] if 0 < count < len(_TIMES) else f"{count} times"


def ordinal(count: int) -> str:
    """ "third", or "the 12th" without its article."""
    return _ORDINALS[count] if 0 < count < len(_ORDINALS) else f"{count}th"


def count(number: int, one: str, many: str = "") -> str:
    """ "1 other run", "12 other runs"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def names(found: Sequence[str], most: int = 3) -> str:
    """ "a, b, c and 2 more", each name once."""
    different = list(dict.fromkeys(found))
    shown = [brief(name) for name in different[:most]]
    rest = len(different) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def brief(text: str, most: int = QUOTE) -> str:
    """Text of others on one line; a cut is marked."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def sentence(text: str, most: int = 600) -> str:
    """The same as a sentence: it ends in a full stop."""
    line = brief(text, most)
    return line if line.endswith((".", "!", "?", "…", ")")) else f"{line}."


def state(name: str) -> str:
    """ "waiting for approval"."""
    return name.replace("_", " ")
