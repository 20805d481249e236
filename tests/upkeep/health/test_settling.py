"""A status changes when two samples in a row say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtime.events import iso
from runtime.upkeep.health.settling import Report, settle, troubles
from runtime.upkeep.health.verdicts import Status, Verdict

START = datetime(2026, 1, 1, tzinfo=UTC)
H, D, U, X = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN


def after(*samples: Status, name: str = "disk") -> Report:
    """The report after these samples, five seconds apart."""
    report: Report = {}
    for number, status in enumerate(samples):
        verdict = Verdict(status, f"{status} {number}.", number)
        report = settle(report, {name: verdict}, START + timedelta(seconds=5 * number))
    return report


def only(report: Report) -> dict[str, Any]:
    [check] = report["checks"]
    found: dict[str, Any] = check
    return found


@pytest.mark.parametrize(
    ("samples", "status"),
    [
        ([H], H),
        ([U], U),
        ([H, U], H),
        ([H, U, U], U),
        ([H, U, H, U], H),
        ([H, D, U], H),
        ([H, D, U, U], U),
        ([U, H], U),
        ([U, H, H], H),
        ([X, H, H], H),
        ([H, X, X], X),
    ],
)
def test_it_takes_two_equal_samples_to_change(samples: list[Status], status: Status) -> None:
    assert only(after(*samples))["status"] == status


def test_what_was_seen_once_keeps_the_old_words_and_figure() -> None:
    check = only(after(H, H, U))
    assert (check["reason"], check["value"]) == ("healthy 1.", 1)


def test_it_says_since_when() -> None:
    assert only(after(H, H, H))["since"] == iso(START)
    assert only(after(H, U, U, U))["since"] == iso(START + timedelta(seconds=10))


@pytest.mark.parametrize(
    ("critical", "other", "overall"),
    [(H, U, H), (X, X, H), (D, H, D), (U, D, U), (X, D, H)],
)
def test_the_whole_is_as_the_worst_critical_check(critical: Status, other: Status, overall: Status) -> None:
    verdicts = {"disk": Verdict(critical, "."), "approvals": Verdict(other, ".")}
    assert settle({}, verdicts, START)["status"] == overall


def test_it_names_the_troubles() -> None:
    verdicts = {"disk": Verdict(D, "."), "approvals": Verdict(U, "."), "queue": Verdict(H, ".")}
    verdicts["maintenance"] = Verdict(X, ".")
    assert troubles(settle({}, verdicts, START)) == {"disk": "degraded", "approvals": "unhealthy"}
