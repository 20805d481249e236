"""What each hour of the last day brought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtime.models import Run
from runtime.upkeep.health import counting, hours
from tests.engine.conftest import start

NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def test_it_adds_up_by_the_hour() -> None:
    found: dict[str, Any] = {}
    hours.add_ended(found, {"completed": 3, "failed": 1, "cancelled": 0}, NOW)
    hours.add_ended(found, {"failed": 1}, NOW)
    hours.add_tokens(found, {"input_tokens": 100, "output_tokens": 7}, NOW - timedelta(hours=1))
    hours.add_decision(found, 5.0, NOW)
    *_, before, present = hours.last_day(found, NOW)
    assert (present.ended, present.failed, present.tokens, present.decisions) == (5, 2, 0, 1)
    assert (before.ended, before.tokens, before.decision_seconds) == (0, 107, None)
    assert present.begin == datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_it_gives_24_hours_whatever_was_counted() -> None:
    day = hours.last_day({}, NOW)
    assert len(day) == 24
    assert day[0].begin == datetime(2025, 12, 31, 13, tzinfo=UTC)
    assert all(hour.ended == 0 for hour in day)


def test_it_lets_go_of_what_is_older_than_a_day() -> None:
    found: dict[str, Any] = {}
    for ago in (0, 23, 24, 48):
        hours.add_ended(found, {"completed": 1}, NOW - timedelta(hours=ago))
    hours.forget(found, NOW)
    assert len(found["hours"]) == 2
    assert sum(hour.ended for hour in hours.last_day(found, NOW)) == 2


@pytest.mark.parametrize(
    ("seconds", "least", "most"),
    [([5.0], 0, 10), ([20.0] * 3, 10, 60), ([1.0] * 9 + [9_000.0], 0, 10), ([1e9], 86_400, 86_400)],
)
def test_it_finds_the_median_in_its_bucket(seconds: list[float], least: float, most: float) -> None:
    found: dict[str, Any] = {}
    for value in seconds:
        hours.add_decision(found, value, NOW)
    median = hours.last_day(found, NOW)[-1].decision_seconds
    assert median is not None
    assert least <= median <= most


def test_it_cuts_time_where_hours_end() -> None:
    cut = list(hours.slices(NOW - timedelta(hours=2), NOW))
    assert [begin.minute for begin, _ in cut] == [30, 0, 0]
    assert (cut[0][0], cut[-1][1]) == (NOW - timedelta(hours=2), NOW)
    assert list(hours.slices(NOW, NOW)) == []


@pytest.mark.django_db
def test_it_counts_each_run_once_in_the_hour_in_which_it_ended() -> None:
    for ago in (0.2, 0.4, 3, 23, 30):
        run = start("one")
        Run.objects.filter(pk=run.pk).update(state="failed", updated_at=NOW - timedelta(hours=ago))
    found = counting.brought_up({}, NOW, 900)
    again = counting.brought_up(found, NOW + timedelta(seconds=5), 900)
    for tallies in (found, again):
        assert sum(hour.failed for hour in hours.last_day(tallies, NOW)) == 4
        assert tallies["ended"]["failed"] == 5
    assert hours.last_day(again, NOW)[-1].failed == 2
