"""What is counted from sample to sample."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.upkeep.health import tallies
from runtime.upkeep.health.readings import Calls

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def ended(kind: str, model: str = "m", **more: Any) -> dict[str, Any]:
    return {"type": f"model.{kind}", "model": model, **more}


def counted(*events: dict[str, Any], at: datetime = NOW) -> tallies.Tallies:
    found: tallies.Tallies = {}
    for event in events:
        tallies.count_call(found, event, at)
    return found


def test_it_counts_calls_by_model_and_outcome() -> None:
    found = counted(ended("completed"), ended("completed"), ended("retried"), ended("failed", "other"))
    assert found["calls"] == {"m": {"completed": 2, "retried": 1}, "other": {"failed": 1}}
    assert tallies.recent_calls(found, {"m"}) == (Calls("m", 3, 1, 0), Calls("other", 1, 1, 0))


def test_it_counts_good_calls_in_a_row() -> None:
    found = counted(ended("failed"), ended("completed"), ended("completed"))
    assert tallies.recent_calls(found, {"m"}) == (Calls("m", 3, 1, 2),)


def test_it_adds_tokens_and_times_up() -> None:
    usage = {"input_tokens": 100, "output_tokens": 7}
    found = counted(ended("completed", usage=usage, duration_ms=1_500), ended("failed", usage=usage))
    assert found["tokens"] == {"m": [200, 14]}
    assert found["seconds"]["m"] == {"count": 1, "sum": 1.5, "buckets": [0, 0, 1, 1, 1, 1, 1, 1, 1]}


def test_it_groups_faults_and_keeps_the_last_words() -> None:
    found = counted(
        ended("retried", fault="rate_limited", error="Slow down."),
        ended("failed", fault="rate_limited", error="Slower!"),
        ended("failed", error="Gone."),
    )
    first, second = tallies.faults_of_a_day(found)
    assert first == {
        "model": "m",
        "fault": "rate_limited",
        "count": 2,
        "last": NOW,
        "sentence": "Slower!",
    }
    assert (second["fault"], second["count"]) == ("reply_refused", 1)


def test_it_forgets_what_is_beyond_the_window_and_the_day() -> None:
    found = counted(ended("failed"), at=NOW - timedelta(hours=25))
    tallies.count_call(found, ended("failed"), NOW - timedelta(minutes=16))
    tallies.count_call(found, ended("completed"), NOW - timedelta(minutes=15))
    tallies.forget(found, NOW, 900)
    assert tallies.recent_calls(found, {"m"}) == (Calls("m", 1, 0, 1),)
    assert tallies.faults_of_a_day(found)[0]["count"] == 1
    assert found["calls"] == {"m": {"failed": 2, "completed": 1}}


def test_a_provider_cannot_make_it_grow_without_end() -> None:
    found = counted(*(ended("completed", f"m{number}") for number in range(200)))
    assert len(found["calls"]) == tallies.MOST_NAMES + 1
    assert found["calls"]["other"] == {"completed": 150}


def test_it_counts_decisions_into_a_histogram() -> None:
    found: tallies.Tallies = {}
    for seconds in (5, 10, 61, 1_000_000):
        tallies.count_decision(found, "approve", seconds)
    assert found["decisions"]["approve"]["buckets"] == [2, 2, 3, 3, 3, 3, 3]
    assert found["decisions"]["approve"]["count"] == 4
