"""Each check on both sides of each limit."""

from __future__ import annotations

from typing import Any

import pytest

from runtime import workspace
from runtime.upkeep.health.readings import Calls, Disk, Heard, Queue, Shells, Store, Waiting, Written
from runtime.upkeep.health.verdicts import BY_NAME, CHECKS, span

LIMITS = workspace.load(None, {}).health
HEALTHY, DEGRADED, UNHEALTHY, UNKNOWN = "healthy", "degraded", "unhealthy", "unknown"


def calls(made: int, failed: int, streak: int = 0, model: str = "m") -> Calls:
    return Calls(model, made, failed, streak)


CASES: list[tuple[str, Any, str]] = [
    ("database", Written(0.249), HEALTHY),
    ("database", Written(0.25), DEGRADED),
    ("database", Written(2.0), UNHEALTHY),
    ("database", Written(2.0, "database is locked"), UNHEALTHY),
    ("workers", Heard(0, None), UNKNOWN),
    ("workers", Heard(1, 59.9), HEALTHY),
    ("workers", Heard(0, 60.0), DEGRADED),
    ("workers", Heard(0, 180.0), UNHEALTHY),
    ("queue", Queue(Waiting(0, None)), HEALTHY),
    ("queue", Queue(Waiting(3, None)), HEALTHY),
    ("queue", Queue(Waiting(1, 119.0)), HEALTHY),
    ("queue", Queue(Waiting(1, 120.0)), DEGRADED),
    ("queue", Queue(Waiting(1, 900.0)), UNHEALTHY),
    ("queue", Queue(Waiting(0, None), (("w1", "no store"),)), DEGRADED),
    ("queue", Queue(Waiting(1, 900.0), (("w1", "no store"),)), UNHEALTHY),
    ("stuck_runs", 0, HEALTHY),
    ("stuck_runs", 1, DEGRADED),
    ("stuck_runs", 5, UNHEALTHY),
    ("approvals", Waiting(0, None), HEALTHY),
    ("approvals", Waiting(19, 3_599.0), HEALTHY),
    ("approvals", Waiting(20, 1.0), DEGRADED),
    ("approvals", Waiting(1, 3_600.0), DEGRADED),
    ("approvals", Waiting(100, 1.0), UNHEALTHY),
    ("approvals", Waiting(20, 86_400.0), UNHEALTHY),
    ("providers", (), UNKNOWN),
    ("providers", (calls(4, 4),), HEALTHY),
    ("providers", (calls(5, 0, 5),), HEALTHY),
    ("providers", (calls(10, 1, 1),), HEALTHY),
    ("providers", (calls(10, 2, 4),), DEGRADED),
    ("providers", (calls(10, 5, 0),), UNHEALTHY),
    ("providers", (calls(1_000, 0, 1_000), calls(5, 5, 0, "other")), UNHEALTHY),
    ("providers", (calls(20, 15, 5),), HEALTHY),
    ("recoveries", 0, HEALTHY),
    ("recoveries", 1, DEGRADED),
    ("recoveries", 5, UNHEALTHY),
    ("disk", Disk(10.0), HEALTHY),
    ("disk", Disk(9.9), DEGRADED),
    ("disk", Disk(3.0), DEGRADED),
    ("disk", Disk(2.9), UNHEALTHY),
    ("disk", Disk(50.0, spent=True), UNHEALTHY),
    ("maintenance", None, UNKNOWN),
    ("maintenance", ("records", 1.9), HEALTHY),
    ("maintenance", ("records", 2.0), DEGRADED),
    ("maintenance", ("checkpoints", 6.0), UNHEALTHY),
    ("workspace", (), HEALTHY),
    ("workspace", ("workspace.yaml:3: spec.x is not known.",), UNHEALTHY),
    ("sandbox", Shells(0, ()), UNKNOWN),
    ("sandbox", Shells(2, ()), HEALTHY),
    ("sandbox", Shells(1, (("w1", "There is no bwrap."),)), DEGRADED),
    ("database_version", Store("SQLite 3.53.4", False), HEALTHY),
    ("database_version", Store("SQLite 3.40.1", True), UNHEALTHY),
    ("clock", None, UNKNOWN),
    ("clock", ("w1", -1.9), HEALTHY),
    ("clock", ("w1", 2.0), DEGRADED),
    ("clock", ("w1", -30.0), UNHEALTHY),
]


@pytest.mark.parametrize(("name", "reading", "status"), CASES)
def test_it_judges_by_the_limits(name: str, reading: Any, status: str) -> None:
    verdict = BY_NAME[name].judge(reading, LIMITS)
    assert verdict.status == status
    assert verdict.reason.endswith((".", "!"))
    assert "None" not in verdict.reason


def test_it_has_a_case_for_every_check() -> None:
    assert {name for name, _, _ in CASES} == {check.name for check in CHECKS}


@pytest.mark.parametrize(
    ("name", "reading", "reason"),
    [
        (
            "database",
            Written(2.0, "database is locked"),
            "Nothing could be written within 2.0 s: database is locked.",
        ),
        ("stuck_runs", 1, "1 run lost its worker and was not taken up again."),
        ("stuck_runs", 2, "2 runs lost their workers and were not taken up again."),
        ("workers", Heard(0, 300), "No worker runs; the last one was heard of 5 min ago."),
        ("workers", Heard(1, 0.0), "A worker was heard of just now."),
        ("queue", Queue(Waiting(2, 200)), "The oldest of 2 runs in the queue could have started 3 min ago."),
        ("providers", (calls(20, 15, 0, "gpt"),), "15 of 20 calls of gpt failed in 15 min."),
        (
            "providers",
            (calls(20, 15, 5, "gpt"),),
            "15 of 20 calls of gpt failed in 15 min; the last 5 succeeded.",
        ),
        (
            "workspace",
            ("a.yaml:3: is wrong.", "b.yaml:1: too."),
            "Runs wait, the workspace is broken: a.yaml:3: is wrong (and 1 more).",
        ),
        (
            "workspace",
            ("a.yaml:3: is not known; did you mean 'rules'?",),
            "Runs wait, the workspace is broken: a.yaml:3: is not known; did you mean 'rules'?",
        ),
        ("clock", ("w1", -40.0), "The clock of w1 is 40 s behind the database's."),
        ("clock", ("w1", 40.0), "The clock of w1 is 40 s ahead of the database's."),
    ],
)
def test_it_says_why_in_one_sentence(name: str, reading: Any, reason: str) -> None:
    assert BY_NAME[name].judge(reading, LIMITS).reason == reason


def test_some_checks_do_not_count_for_the_whole() -> None:
    assert {check.name for check in CHECKS if not check.critical} == {"approvals", "maintenance", "sandbox"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 ms"), (0.24, "240 ms"), (3.21, "3.2 s"), (59.9, "59 s"), (60, "1 min"), (119, "119 s")]
    + [(120, "2 min"), (3_600, "1 h"), (5_000, "83 min"), (7_200, "2 h"), (86_400, "1 d")],
)
def test_it_says_durations_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words
