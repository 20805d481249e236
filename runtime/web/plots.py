"""Small plots of the last 24 hours, as SVG that the server draws: a bar an hour, the present one last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime.diagnosis.words import age
from runtime.upkeep.health.hours import Hour
from runtime.web.tags import thousands

HEIGHT = 40.0
STEP, BAR = 10.0, 8.0  #: from bar to bar, and how wide one is
LEAST = 1.5  #: a bar of something is seen


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: where its bar stands, and what it says."""

    x: float
    y: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """`total` is what the whole day comes to; `summary` says the same as the picture."""

    name: str
    title: str
    total: str
    summary: str
    bars: list[Bar]


def plots(day: Sequence[Hour]) -> list[Plot]:
    """Runs, failures, tokens and the time that decisions took."""
    waits = [hour.decision_seconds for hour in day if hour.decision_seconds is not None]
    typical = age(sorted(waits)[len(waits) // 2]) if waits else "–"
    return [
        _plot("runs", "Runs ended", day, lambda hour: hour.ended, thousands),
        _plot("failed", "Runs failed", day, lambda hour: hour.failed, thousands),
        _plot("tokens", "Tokens", day, lambda hour: hour.tokens, thousands),
        _plot("decisions", "Time to a decision", day, lambda hour: hour.decision_seconds or 0, age, typical),
    ]


def _plot(
    name: str,
    title: str,
    day: Sequence[Hour],
    value: Callable[[Hour], float],
    say: Callable[[int], str],
    total: str = "",
) -> Plot:
    values = [value(hour) for hour in day]
    most = max(values, default=0)
    bars = [
        _bar(place, found, most, f"{hour.begin:%H:%M} UTC: {say(int(found))}")
        for place, (hour, found) in enumerate(zip(day, values, strict=True))
        if found
    ]
    shown = total or say(int(sum(values)))
    return Plot(name, title, shown, _summary(title, day, values, shown, say), bars)


def _bar(place: int, value: float, most: float, label: str) -> Bar:
    height = round(max(LEAST, value / most * HEIGHT), 1)
    return Bar(place * STEP, round(HEIGHT - height, 1), height, label)


def _summary(
    title: str, day: Sequence[Hour], values: Sequence[float], total: str, say: Callable[[int], str]
) -> str:
    if not any(values):
        return f"{title} in the last 24 hours: none."
    top = max(range(len(values)), key=lambda place: values[place])
    return (
        f"{title} in the last 24 hours: {total}; "
        f"most in the hour from {day[top].begin:%H:%M} UTC: {say(int(values[top]))}."
    )
