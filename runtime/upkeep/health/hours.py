"""What each hour of the last day brought: runs that ended, tokens, decisions. Pure; part of the tallies.

`hours` is number of the hour since 1970 → `{"ended": {state: runs}, "tokens": [in, out], "decisions":
histogram of the seconds that people took}`. The board draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.upkeep.health.tallies import DAY_HOURS, DECISION_BOUNDS, Tallies, observe

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour. `decision_seconds` is the median as the histogram shows it; None without a decision."""

    begin: datetime
    ended: int = 0
    failed: int = 0
    tokens: int = 0
    decisions: int = 0
    decision_seconds: float | None = None


def add_ended(tallies: Tallies, ended: Mapping[str, int], at: datetime) -> None:
    """Adds runs that ended: state → number."""
    counts = _of(tallies, at).setdefault("ended", {})
    for state, number in ended.items():
        if number:
            counts[state] = counts.get(state, 0) + number


def add_tokens(tallies: Tallies, usage: Mapping[str, int], at: datetime) -> None:
    """Adds what a model call used."""
    tokens = _of(tallies, at).setdefault("tokens", [0, 0])
    tokens[0] += usage.get("input_tokens", 0)
    tokens[1] += usage.get("output_tokens", 0)


def add_decision(tallies: Tallies, seconds: float, at: datetime) -> None:
    """Adds how long a call waited for a person."""
    observe(_of(tallies, at), "decisions", seconds, DECISION_BOUNDS)


def forget(tallies: Tallies, now: datetime) -> None:
    """Lets go of hours beyond a day."""
    first = _number(now) - DAY_HOURS + 1
    kept = {number: hour for number, hour in tallies.get("hours", {}).items() if int(number) >= first}
    tallies["hours"] = kept


def slices(after: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time between two moments, cut where an hour ends."""
    while after < until:
        end = min(until, datetime.fromtimestamp((_number(after) + 1) * 3600, UTC))
        yield after, end
        after = end


def last_day(tallies: Tallies, now: datetime) -> list[Hour]:
    """The last 24 hours, the present one last; an hour in which nothing was counted is there, too."""
    present = _number(now)
    hours = tallies.get("hours", {})
    return [
        _hour(hours.get(str(number), {}), number) for number in range(present - DAY_HOURS + 1, present + 1)
    ]


def _hour(found: Mapping[str, Any], number: int) -> Hour:
    ended, decisions = found.get("ended", {}), found.get("decisions", {})
    return Hour(
        begin=datetime.fromtimestamp(number * 3600, UTC),
        ended=sum(ended.values()),
        failed=ended.get("failed", 0),
        tokens=sum(found.get("tokens", ())),
        decisions=decisions.get("count", 0),
        decision_seconds=median(decisions) if decisions.get("count") else None,
    )


def median(histogram: Mapping[str, Any]) -> float:
    """The middle value as well as the buckets tell: even steps within a bucket are assumed; what is beyond
    the last bound counts as that bound."""
    half = histogram["count"] / 2
    low, below = 0.0, 0
    for bound, up_to in zip(DECISION_BOUNDS, histogram["buckets"], strict=True):
        if up_to >= half:
            inside = up_to - below
            return low + (bound - low) * (half - below) / inside if inside else float(bound)
        low, below = float(bound), up_to
    return low


def _of(tallies: Tallies, at: datetime) -> dict[str, Any]:
    found: dict[str, Any] = tallies.setdefault("hours", {}).setdefault(str(_number(at)), {})
    return found


def _number(moment: datetime) -> int:
    return int(moment.timestamp() // 3600)
