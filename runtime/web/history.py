"""The last 24 hours of a check as a strip of bars: the worse, the higher and the redder. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from runtime.upkeep.health import RANK, Status

SPAN = timedelta(hours=24)
COLUMNS = 96  #: a quarter of an hour each
COLUMN = SPAN / COLUMNS
HEIGHT = 16
HEIGHTS = {"healthy": 5, "degraded": 11, "unhealthy": 16}
WHOLE = ""  #: the name of the strip of all checks together

Sampled = tuple[datetime, str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Bar:
    """Columns next to each other in which it was the same."""

    x: int
    width: int
    status: str

    @property
    def height(self) -> int:
        return HEIGHTS[self.status]

    @property
    def y(self) -> int:
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class Strip:
    """A check's bars, and the same in words."""

    bars: tuple[Bar, ...]
    words: str


def strips(samples: Iterable[Sampled], names: Iterable[str], now: datetime) -> dict[str, Strip]:
    """A strip for each check, and WHOLE for all of them. A column is as bad as its worst sample; columns
    without one stay empty."""
    columns: dict[str, dict[int, str]] = {name: {} for name in (WHOLE, *names)}
    first = now - SPAN
    for at, status, troubles in samples:
        column = (at - first) // COLUMN
        if 0 <= column < COLUMNS:
            for name, found in columns.items():
                found[column] = _worse(
                    found.get(column), status if name == WHOLE else troubles.get(name, "healthy")
                )
    return {name: Strip(tuple(_bars(found)), _words(found)) for name, found in columns.items()}


def _worse(one: str | None, other: str) -> str:
    return other if one is None or RANK[Status(other)] > RANK[Status(one)] else one


def _bars(columns: Mapping[int, str]) -> list[Bar]:
    bars: list[Bar] = []
    for column in sorted(columns):
        last = bars[-1] if bars else None
        if last and last.status == columns[column] and last.x + last.width == column:
            bars[-1] = Bar(last.x, last.width + 1, last.status)
        else:
            bars.append(Bar(column, 1, columns[column]))
    return bars


def _words(columns: Mapping[int, str]) -> str:
    """ "In the last 24 hours: unhealthy for 15 min, degraded for 1.5 h"."""
    if not columns:
        return "Nothing is known of the last 24 hours."
    minutes = COLUMN.total_seconds() / 60
    spans = {status: minutes * list(columns.values()).count(status) for status in ("unhealthy", "degraded")}
    said = [f"{status} in {_span(length)}" for status, length in spans.items() if length]
    known = f"of the {_span(minutes * len(columns))} known"
    return f"Last 24 hours, {known}: {', '.join(said)}." if said else f"Last 24 hours, {known}: healthy."


def _span(minutes: float) -> str:
    return f"{minutes:g} min" if minutes < 60 else f"{minutes / 60:g} h"
