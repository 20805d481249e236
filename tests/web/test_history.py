"""The strip of a check's last day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from runtime.web.history import COLUMNS, WHOLE, Bar, Sampled, strips

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def sample(minutes_ago: float, status: str, **troubles: str) -> Sampled:
    return NOW - timedelta(minutes=minutes_ago), status, troubles


def test_it_is_empty_where_nothing_is_known() -> None:
    found = strips([], ["disk"], NOW)
    assert found["disk"].bars == ()
    assert found["disk"].words == "Nothing is known of the last 24 hours."


def test_a_column_is_as_bad_as_its_worst_sample() -> None:
    samples = [sample(14, "healthy"), sample(10, "degraded", disk="degraded"), sample(5, "healthy")]
    found = strips(samples, ["disk", "queue"], NOW)
    assert found[WHOLE].bars == (Bar(COLUMNS - 1, 1, "degraded"),)
    assert found["disk"].bars == (Bar(COLUMNS - 1, 1, "degraded"),)
    assert found["queue"].bars == (Bar(COLUMNS - 1, 1, "healthy"),)


def test_equal_columns_are_one_bar_and_a_gap_parts_them() -> None:
    samples = [sample(24 * 60 - 1, "healthy"), sample(24 * 60 - 16, "healthy")]
    samples += [sample(40, "healthy"), sample(20, "unhealthy", disk="unhealthy"), sample(1, "healthy")]
    found = strips(samples, ["disk"], NOW)
    assert found["disk"].bars == (
        Bar(0, 2, "healthy"),
        Bar(93, 1, "healthy"),
        Bar(94, 1, "unhealthy"),
        Bar(95, 1, "healthy"),
    )


def test_the_worse_the_higher() -> None:
    heights = [Bar(0, 1, status).height for status in ("healthy", "degraded", "unhealthy")]
    assert heights == sorted(set(heights))
    assert all(bar.y + bar.height == 16 for bar in (Bar(0, 1, "healthy"), Bar(0, 1, "unhealthy")))


def test_it_says_the_same_in_words() -> None:
    samples = [sample(20, "unhealthy", disk="unhealthy"), sample(1, "degraded", disk="degraded")]
    found = strips(samples, ["disk", "queue"], NOW)
    assert found["disk"].words == (
        "Last 24 hours, of the 30 min known: unhealthy in 15 min, degraded in 15 min."
    )
    assert found["queue"].words == "Last 24 hours, of the 30 min known: healthy."


def test_what_is_older_than_a_day_or_from_the_future_is_left_out() -> None:
    found = strips([sample(24 * 60 + 1, "unhealthy"), sample(-1, "unhealthy")], [], NOW)
    assert found[WHOLE].bars == ()
