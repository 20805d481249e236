"""Samples of real records: turns, what is kept, what a fault looks like."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from runtime import catalogue, journal
from runtime.events import EventType
from runtime.journal import workers
from runtime.journal.schema import check_schema
from runtime.lifecycle import RunState
from runtime.models import HealthReport, HealthSample, MaintenancePass, Run, Worker
from runtime.upkeep import health
from runtime.upkeep.health import counting, limits, looks
from runtime.upkeep.health.looks import Scene

pytestmark = pytest.mark.django_db
LOCKED = "UPDATE runtime_metadata SET value = value"


def ahead(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is remembered from an earlier test."""
    health.forget()
    yield
    health.forget()
    catalogue.forget()


def new_run(**values: Any) -> Run:
    defaults: dict[str, Any] = {"agent_id": "direct", "execution_mode": "one_step", "resolved": {}}
    return journal.create_run(journal.NewRun(input="x", **{**defaults, **values}))


def claimed(run: Run, owner: str = "w1", **values: Any) -> journal.Lease:
    lease = journal.claim(run.run_id, owner, **{"slots": 100, "lease_seconds": 30.0, **values})
    assert lease is not None
    return lease


def statuses(seconds: float = 0.0) -> dict[str, str]:
    """What each check says at once, that many seconds from now."""
    tallies = counting.brought_up({}, ahead(seconds), 900)
    found = looks.verdicts(Scene(ahead(seconds), limits.of_health(), tallies))
    return {name: verdict.status.value for name, verdict in found.items()}


def test_a_fresh_installation_is_healthy() -> None:
    assert set(statuses().values()) == {"healthy", "unknown"}
    assert health.present(ahead(0)).report["status"] == "healthy"


def test_one_sampler_of_many_has_the_turn() -> None:
    samplers = [health.Sampler() for _ in range(3)]
    assert [sampler.sample(ahead(0)) for sampler in samplers] == [True, False, False]
    assert [sampler.sample(ahead(4)) for sampler in samplers] == [False, False, False]
    assert [sampler.sample(ahead(5)) for sampler in samplers] == [True, False, False]
    assert HealthReport.objects.get().turn == 2


def test_a_clock_far_ahead_does_not_keep_the_others_waiting() -> None:
    assert health.Sampler().sample(ahead(3_600))
    assert health.Sampler().sample(ahead(0))


def test_it_keeps_a_sample_every_half_minute() -> None:
    sampler = health.Sampler()
    for seconds in range(0, 61, 5):
        assert sampler.sample(ahead(seconds))
    assert HealthSample.objects.count() == 3


def test_it_keeps_a_sample_at_every_change_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    sampler = health.Sampler()
    sampler.sample(ahead(0))
    run = new_run()
    for seconds in (130, 135):
        sampler.sample(ahead(seconds))
    assert HealthSample.objects.latest("id").troubles == {"queue": "degraded"}
    assert HealthSample.objects.latest("id").status == "degraded"
    journal.cancel(run.run_id, requested_by="olga", source="page", reason="")
    with caplog.at_level("INFO", "runtime.upkeep.health"):
        for seconds in (140, 145):
            sampler.sample(ahead(seconds))
    assert HealthSample.objects.latest("id").troubles == {}
    assert "Health of queue is healthy" in caplog.text
    assert HealthSample.objects.count() == 4


def test_it_sees_a_worker_fall_silent_and_come_back() -> None:
    worker = workers.enter(slots=1, version="1")
    assert statuses()["workers"] == "healthy"
    assert statuses(61)["workers"] == "degraded"
    assert statuses(181)["workers"] == "unhealthy"
    Worker.objects.filter(pk=worker).update(heartbeat_at=ahead(181))
    assert statuses(181)["workers"] == "healthy"


def test_it_sees_a_run_that_nobody_takes() -> None:
    run = new_run()
    assert [statuses(s)["queue"] for s in (0, 121, 901)] == ["healthy", "degraded", "unhealthy"]
    lease = claimed(run)
    assert statuses(901)["queue"] == "healthy"
    with journal.entry(run.run_id, lease) as entry:
        entry.move(RunState.QUEUED, "later", next_try_at=ahead(600))
    assert statuses(500)["queue"] == "healthy", "it waits for its time"
    assert statuses(600 + 121)["queue"] == "degraded"


def test_a_run_behind_another_one_of_its_thread_is_no_fault() -> None:
    first = new_run()
    claimed(first)
    new_run(thread_id=first.thread_id)
    assert statuses(901)["queue"] == "healthy"


def test_it_sees_runs_whose_worker_is_lost() -> None:
    run = new_run()
    claimed(run)
    assert statuses(30 + 29)["stuck_runs"] == "healthy"
    assert statuses(30 + 31)["stuck_runs"] == "degraded"
    with journal.entry(run.run_id) as entry:
        entry.move(RunState.QUEUED, "taken up again")
    assert statuses(30 + 31)["stuck_runs"] == "healthy"


def test_it_sees_a_run_that_lost_too_many_workers_until_it_is_retried() -> None:
    run = new_run()
    for _ in range(5):
        claimed(run, lease_seconds=-1.0)
        journal.requeue_orphan(run.run_id, 30.0, why="gone", attempts=5)
    run.refresh_from_db()
    assert run.state == "failed"
    assert statuses()["recoveries"] == "degraded"
    assert statuses(86_401)["recoveries"] == "healthy"
    new_run(retried_from=run.run_id)
    assert statuses()["recoveries"] == "healthy"


def test_it_sees_a_provider_fail_and_recover() -> None:
    lease = claimed(new_run())
    with journal.entry(lease.run_id, lease) as entry:
        for _ in range(5):
            entry.note(EventType.MODEL_RETRIED, call=1, model="scripted", error="No.")
    assert statuses(3)["providers"] == "unhealthy"
    with journal.entry(lease.run_id, lease) as entry:
        for _ in range(5):
            entry.note(EventType.MODEL_COMPLETED, call=1, model="scripted")
    assert statuses(3)["providers"] == "healthy"


def test_it_counts_each_call_and_each_end_once() -> None:
    lease = claimed(new_run())
    found = counting.brought_up({}, ahead(0), 900)
    with journal.entry(lease.run_id, lease) as entry:
        entry.note(EventType.MODEL_COMPLETED, call=1, model="m")
        entry.end(RunState.COMPLETED, "done")
    for seconds in (0, 3, 8, 13):
        found = counting.brought_up(found, ahead(seconds), 900)
    assert found["calls"] == {"m": {"completed": 1}}
    assert found["ended"] == {"completed": 1, "failed": 0, "cancelled": 0}


def test_it_goes_on_where_a_full_batch_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_ROWS", 3)
    lease = claimed(new_run())
    for _ in range(7):
        with journal.entry(lease.run_id, lease) as entry:
            entry.note(EventType.MODEL_COMPLETED, call=1, model="m")
    found: dict[str, Any] = {}
    for seconds in range(3, 10):
        found = counting.brought_up(found, ahead(seconds), 900)
    assert found["calls"] == {"m": {"completed": 7}}


def test_it_sees_a_full_disk() -> None:
    scene = Scene(ahead(0), limits.of_health(), {})

    def filled(_: Path) -> os.statvfs_result:
        return os.statvfs_result((4096, 4096, 1_000, 50, 20, 10, 10, 10, 0, 255))

    assert looks.disk(scene, filled).percent == pytest.approx(100 * 20 / 970)
    assert 0 < looks.disk(scene).percent < 100


def test_it_sees_a_broken_workspace_and_keeps_its_limits(settings: Settings, tmp_path: Path) -> None:
    settings.WORKSPACE_DIR = tmp_path
    head = "apiVersion: agent-harness/v1alpha1\nkind: Workspace\nmetadata: {name: w}\n"
    file = tmp_path / "workspace.yaml"
    file.write_text(f"{head}spec: {{health: {{stuck_runs: {{degraded: 2}}}}}}\n")
    catalogue.forget()
    assert statuses()["workspace"] == "healthy"
    file.write_text("kind: [")
    catalogue.forget()
    assert statuses()["workspace"] == "unhealthy"
    assert limits.of_health().stuck_runs.degraded == 2


def test_it_sees_maintenance_fall_behind() -> None:
    assert statuses()["maintenance"] == "unknown"
    tried = MaintenancePass.objects.create(kind="checkpoints", error="It broke.", finished_at=ahead(0))
    assert [statuses(hours * 3_600)["maintenance"] for hours in (1, 3, 7)] == [
        "healthy",
        "degraded",
        "unhealthy",
    ]
    MaintenancePass.objects.filter(pk=tried.pk).update(error="", finished_at=ahead(6.5 * 3_600))
    assert statuses(7 * 3_600)["maintenance"] == "healthy"


def test_it_sees_what_a_worker_says_of_its_sandbox_and_clock() -> None:
    worker = workers.enter(slots=1, version="1")
    assert statuses()["sandbox"] == "unknown"
    workers.beat(worker, sandbox="works")
    assert statuses()["sandbox"] == "healthy"
    workers.beat(worker, sandbox="There is no bwrap.")
    assert statuses()["sandbox"] == "degraded"
    assert statuses()["clock"] == "healthy"
    Worker.objects.filter(pk=worker).update(clock_offset=31)
    assert statuses()["clock"] == "unhealthy"


@pytest.mark.django_db(transaction=True)
def test_it_sees_a_locked_database_and_remembers_the_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    check_schema("test")
    monkeypatch.setattr("runtime.journal.health.PATIENCE_SECONDS", 0.05)
    sampler = health.Sampler()
    assert sampler.sample(ahead(0))
    other: Any = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(LOCKED)
            if connection.vendor == "postgresql":
                cursor.execute("UPDATE health_report SET turn = turn")
            assert [sampler.sample(ahead(seconds)) for seconds in (5, 10)] == [False, False]
            found = health.present(ahead(16))
            assert found.report["status"] == "unhealthy"
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert sampler.sample(ahead(20))
    assert health.present(ahead(20)).report["status"] == "healthy"
    kept = [(sample.status, sample.troubles) for sample in HealthSample.objects.order_by("id")]
    down = ("unhealthy", {"database": "unhealthy"})
    assert kept == [("healthy", {}), down, down, ("healthy", {})]
