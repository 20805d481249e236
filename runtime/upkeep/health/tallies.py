"""What is counted from sample to sample, so that nobody ever has to count a million rows. Pure.

The tallies are JSON, kept in the report's row: `calls` model → outcome → number; `tokens` model → in, out;
`seconds` model → histogram of the good calls; `faults` model → fault → `{"total", "last", "sentence",
"hours": {hour: number}}`; `recent` model → `{"streak", "minutes": {minute: [made, failed]}}`; `decisions`
decision → histogram of the seconds that people took; `ended` state → runs. Hours and minutes are numbers of
them since 1970.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from runtime.events import EventType, iso
from runtime.upkeep.health.readings import Calls

Tallies = dict[str, Any]

MOST_NAMES = 50  #: of models; a provider could make up a new one for every call
OTHERS = "other"
NAME_CHARACTERS = 100
NO_FAULT = "reply_refused"  #: a reply came, and it could not be used
DAY_HOURS = 24
CALL_BOUNDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300)  #: seconds
DECISION_BOUNDS = (10, 60, 300, 900, 3_600, 14_400, 86_400)  #: seconds
OUTCOMES = {
    EventType.MODEL_COMPLETED.value: "completed",
    EventType.MODEL_RETRIED.value: "retried",
    EventType.MODEL_FAILED.value: "failed",
}


def count_call(tallies: Tallies, event: Mapping[str, Any], at: datetime) -> None:
    """Adds the end of a model call."""
    calls = tallies.setdefault("calls", {})
    model = _name(calls, str(event.get("model") or "unnamed"))
    outcome = OUTCOMES[event["type"]]
    _add(calls.setdefault(model, {}), outcome)
    _count_tokens(tallies, model, event.get("usage") or {})
    recent = tallies.setdefault("recent", {}).setdefault(model, {"streak": 0, "minutes": {}})
    minute = recent["minutes"].setdefault(str(int(at.timestamp() // 60)), [0, 0])
    minute[0] += 1
    if outcome == "completed":
        recent["streak"] += 1
        if event.get("duration_ms") is not None:
            observe(tallies.setdefault("seconds", {}), model, event["duration_ms"] / 1000, CALL_BOUNDS)
    else:
        minute[1] += 1
        recent["streak"] = 0
        _count_fault(tallies, model, event, at)


def _count_tokens(tallies: Tallies, model: str, usage: Mapping[str, int]) -> None:
    tokens = tallies.setdefault("tokens", {}).setdefault(model, [0, 0])
    tokens[0] += usage.get("input_tokens", 0)
    tokens[1] += usage.get("output_tokens", 0)


def _count_fault(tallies: Tallies, model: str, event: Mapping[str, Any], at: datetime) -> None:
    faults = tallies.setdefault("faults", {}).setdefault(model, {})
    fault = _name(faults, str(event.get("fault") or NO_FAULT))
    found = faults.setdefault(fault, {"total": 0, "hours": {}})
    found |= {"last": iso(at), "sentence": str(event.get("error") or "")[:300]}
    _add(found, "total")
    _add(found["hours"], str(int(at.timestamp() // 3600)))


def count_decision(tallies: Tallies, decision: str, seconds: float) -> None:
    """Adds a person's decision and how long the call waited for it."""
    observe(tallies.setdefault("decisions", {}), decision, seconds, DECISION_BOUNDS)


def count_ended(tallies: Tallies, ended: Mapping[str, int]) -> None:
    """Adds runs that ended: state → number."""
    for state, number in ended.items():
        _add(tallies.setdefault("ended", {}), state, number)


def observe(into: dict[str, Any], name: str, seconds: float, bounds: tuple[float, ...]) -> None:
    """Adds a value to the histogram `name`: `{"buckets": below each bound, "count", "sum"}`."""
    found = into.setdefault(name, {"buckets": [0] * len(bounds), "count": 0, "sum": 0.0})
    found["count"] += 1
    found["sum"] = round(found["sum"] + seconds, 3)
    for place, bound in enumerate(bounds):
        found["buckets"][place] += seconds <= bound


def forget(tallies: Tallies, now: datetime, window_seconds: float) -> None:
    """Lets go of minutes beyond the window and of hours beyond a day."""
    first_minute = (now.timestamp() - window_seconds) // 60
    for recent in tallies.get("recent", {}).values():
        recent["minutes"] = _since(recent["minutes"], first_minute)
    first_hour = now.timestamp() // 3600 - DAY_HOURS + 1
    for faults in tallies.get("faults", {}).values():
        for found in faults.values():
            found["hours"] = _since(found["hours"], first_hour)


def recent_calls(tallies: Tallies, models: Collection[str]) -> tuple[Calls, ...]:
    """The calls of these models within the window, by model."""
    known = {*(name[:NAME_CHARACTERS] for name in models), OTHERS}
    return tuple(
        Calls(model, *_sums(recent["minutes"].values()), recent["streak"])
        for model, recent in tallies.get("recent", {}).items()
        if model in known
    )


def faults_of_a_day(tallies: Tallies) -> list[dict[str, Any]]:
    """Failed calls of the last 24 hours: `{model, fault, count, last, sentence}`, the most frequent first."""
    found = [
        {"model": model, "fault": fault, "count": sum(each["hours"].values()), **_last(each)}
        for model, faults in tallies.get("faults", {}).items()
        for fault, each in faults.items()
        if each["hours"]
    ]
    return sorted(found, key=lambda each: each["count"], reverse=True)


def _last(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"last": datetime.fromisoformat(found["last"]), "sentence": found["sentence"]}


def _name(known: Mapping[str, Any], name: str) -> str:
    short = name[:NAME_CHARACTERS]
    return short if short in known or len(known) < MOST_NAMES else OTHERS


def _add(counts: dict[str, Any], name: str, number: int = 1) -> None:
    counts[name] = counts.get(name, 0) + number


def _since(counts: Mapping[str, Any], first: float) -> dict[str, Any]:
    return {number: value for number, value in counts.items() if int(number) >= first}


def _sums(pairs: Iterable[list[int]]) -> tuple[int, int]:
    made = failed = 0
    for one, other in pairs:
        made, failed = made + one, failed + other
    return made, failed
