"""The plots of the board."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from runtime.models import HealthReport
from runtime.upkeep.health import hours
from runtime.upkeep.health.hours import Hour
from runtime.web.plots import HEIGHT, plots
from tests.web.conftest import Page, text_of

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def day(**last: float) -> list[Hour]:
    """24 hours; only the last brought something."""
    empty = [Hour(BEGIN + timedelta(hours=number)) for number in range(23)]
    return [*empty, Hour(BEGIN + timedelta(hours=23), **last)]  # type: ignore[arg-type]


def test_it_draws_a_bar_for_each_hour_that_brought_something() -> None:
    runs, failed, tokens, decisions = plots(day(ended=5, failed=2, tokens=12_345, decision_seconds=90.0))
    assert [plot.total for plot in (runs, failed, decisions)] == ["5", "2", "1 min"]
    assert tokens.total == "12,345"
    [bar] = runs.bars
    assert (bar.x, bar.y, bar.height, bar.label) == (230, 0, HEIGHT, "23:00 UTC: 5")
    assert "most in the hour from 23:00 UTC: 2." in failed.summary


def test_it_says_in_words_that_there_was_nothing() -> None:
    for plot in plots(day()):
        assert plot.bars == []
        assert plot.summary.endswith("in the last 24 hours: none.")


def test_it_keeps_small_bars_visible_and_all_bars_inside() -> None:
    hour = Hour(BEGIN, ended=1_000_000)
    for plot in plots([hour, *day(ended=1)[1:]]):
        for bar in plot.bars:
            assert bar.height > 1
            assert bar.y >= 0
            assert bar.y + bar.height <= HEIGHT


@pytest.mark.django_db
def test_it_stands_on_the_board_from_one_row(viewer: User) -> None:
    now = datetime.now(UTC)
    tallies: dict[str, object] = {}
    hours.add_ended(tallies, {"completed": 3, "failed": 1}, now)
    HealthReport.objects.create(sampled_at=now, report={"status": "healthy", "checks": []}, tallies=tallies)
    html = text_of(Page(viewer).get("/"))
    assert 'aria-label="Runs ended in the last 24 hours: 4;' in html
    assert "The last 24 hours as a table" in html
    assert "healthy" in html
