"""Diagnoses of real rows: what the queries gather is what the pure function needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runtime import catalogue, journal
from runtime.diagnosis import Act, Cause, Diagnosis, Progress, progress
from runtime.events import EventType
from runtime.journal import workers
from runtime.lifecycle import Decision, RunState, Why
from runtime.models import Approval, Checkpoint, Run
from runtime.upkeep.causes import diagnoses
from tests.engine.conftest import advance, call, keeper, script, start

__all__ = ["advance", "keeper"]
pytestmark = pytest.mark.django_db
LEASE = 30.0


@pytest.fixture
def worker() -> str:
    """A worker with two slots."""
    return workers.enter(slots=2, version="1")


def said(run: Run) -> Diagnosis:
    run.refresh_from_db()
    return diagnoses([run])[run.run_id]


def claimed(run: Run, owner: str) -> journal.Lease:
    lease = journal.claim(run.run_id, owner, slots=10, lease_seconds=LEASE)
    assert lease is not None
    return lease


def parked(run: Run, owner: str, fault: str = "rate_limited") -> None:
    """Waits for its provider."""
    with journal.entry(run.run_id, claimed(run, owner)) as entry:
        entry.set(fault=fault, model_attempts=5)
        entry.move(RunState.QUEUED, Why.NEXT_TRY, next_try_at=datetime.now(UTC) + timedelta(minutes=1))


def waiting(advance: Any, tool: str = "write_file", **arguments: Any) -> Run:
    given = arguments or {"path": "a.txt", "content": "one"}
    run: Run = advance(start(script({"text": "", "tool_calls": [call(tool, **given)]}, {"text": "Done."})))
    assert run.state == RunState.WAITING_FOR_APPROVAL
    return run


def test_it_misses_a_worker() -> None:
    assert said(start("hello")).cause == Cause.NO_WORKER


def test_it_sees_a_run_that_is_about_to_start(worker: str) -> None:
    assert said(start("hello")).cause == Cause.STARTING


def test_it_sees_that_all_slots_are_taken(worker: str) -> None:
    for text in ("one", "two"):
        claimed(start(text), worker)
    assert said(start("three")).sentence.startswith("All 2 slots are taken")


def test_it_names_the_earlier_run_of_the_thread(worker: str) -> None:
    first = start("one")
    found = said(start("two", thread_id=first.thread_id))
    assert (found.cause, found.target, found.act) == (Cause.BEHIND_EARLIER, first.run_id, Act.OPEN_BLOCKER)


def test_it_counts_who_shares_a_providers_trouble(worker: str) -> None:
    runs = [start(f"run {number}") for number in range(3)]
    for run in runs:
        parked(run, worker)
    other = start("another fault")
    parked(other, worker, fault="unreachable")
    assert "answered 429 five times; next try " in said(runs[0]).sentence
    assert said(runs[0]).sentence.endswith("2 other runs share this.")
    assert "share" not in said(other).sentence


def test_it_tells_of_the_pending_approval(worker: str, advance: Any) -> None:
    found = said(waiting(advance))
    assert (found.cause, found.act) == (Cause.APPROVAL, Act.DECIDE)
    assert found.sentence.endswith("for approval of write_file.")


def test_it_tells_when_the_worker_is_lost(worker: str) -> None:
    run = start("hello")
    claimed(run, worker)
    assert said(run).cause == Cause.AT_WORK
    Run.objects.filter(pk=run.pk).update(lease_until=time.time() - 300)
    found = said(run)
    assert found.cause == Cause.WORKER_LOST
    assert f"Worker {worker} sent no heartbeat for " in found.sentence
    assert found.sentence.endswith("nothing in doubt.")


def test_it_names_the_call_that_a_lost_worker_had_started(worker: str, advance: Any) -> None:
    run = waiting(advance)
    approval = Approval.objects.get()
    journal.settle(approval.pk, journal.Verdict(Decision.APPROVE, approval.digest, "rene", "page"))
    with journal.entry(run.pk, claimed(run, worker)) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, approval.tool_call_id), worker=worker)
    assert said(run).sentence.startswith("write_file has been at work for ")
    Run.objects.filter(pk=run.pk).update(lease_until=time.time() - 300)
    assert said(run).sentence.endswith("write_file had started and may be in doubt.")


def test_it_notices_a_worker_that_ended_before_its_lease(worker: str) -> None:
    run = start("hello")
    claimed(run, worker)
    workers.leave(worker)
    found = said(run)
    assert (found.cause, found.act) == (Cause.WORKER_SILENT, Act.START_WORKER)


def test_it_says_what_the_model_does(worker: str) -> None:
    run = start("hello")
    with journal.entry(run.run_id, claimed(run, worker)) as entry:
        entry.note(EventType.MODEL_STARTED, call=1, model="m", attempt=1)
    assert said(run).sentence.startswith("The model was asked ")


def test_it_sees_that_maintenance_took_the_checkpoints(advance: Any) -> None:
    run = advance(start("what is 2 + 2?"))
    assert said(run).cause == Cause.COMPLETED
    assert "maintenance" not in said(run).sentence
    Checkpoint.objects.filter(run=run).delete()
    assert "removed by maintenance" in said(run).sentence


@pytest.fixture
def broken(tmp_path: Path, settings: Any) -> Iterator[None]:
    (tmp_path / "workspace.yaml").write_text("kind: [")
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    yield
    settings.WORKSPACE_DIR = None
    catalogue.forget()


def test_it_names_the_problem_of_a_broken_workspace(worker: str, request: pytest.FixtureRequest) -> None:
    run = start("hello")
    request.getfixturevalue("broken")
    found = said(run)
    assert (found.cause, found.act) == (Cause.WORKSPACE_BROKEN, Act.CHECK_WORKSPACE)
    assert "workspace.yaml" in found.sentence


def test_it_asks_as_much_for_one_run_as_for_many(worker: str, advance: Any) -> None:
    runs = [waiting(advance), advance(start("hello")), start("hello"), start("hello")]
    parked(runs[2], worker)
    claimed(runs[3], worker)
    kinds = [Run.objects.get(pk=run.pk) for run in runs]
    with CaptureQueriesContext(connection) as few:
        diagnoses(kinds)
    for number in range(20):
        start(f"run {number}")
    with CaptureQueriesContext(connection) as many:
        diagnoses(Run.objects.all())
    assert len(many) <= len(few) + 1  # the runs themselves are read by the second


def test_it_filters_by_the_facet_that_it_shows(worker: str, advance: Any) -> None:
    waiting(advance)
    advance(start("hello"))
    parked(start("later"), worker)
    claimed(start("moving"), worker)
    claimed(start("lost"), worker)
    Run.objects.filter(title="lost").update(lease_until=1.0)
    start("queued")
    now = time.time()
    by_row: dict[str | None, set[str]] = {}
    for run in Run.objects.all():
        facet = progress(
            run.state, fault=run.fault, lease_until=run.lease_until, now=now, lease_seconds=LEASE
        )
        by_row.setdefault(facet, set()).add(run.pk)
    for facet in Progress:
        found = Run.objects.all().in_progress(facet, now, LEASE).values_list("pk", flat=True)
        assert set(found) == by_row.get(facet, set()), facet
    assert Run.objects.all().count_progress(now, LEASE)["provider"] == 1


def test_it_finds_a_facet_by_its_index(worker: str) -> None:
    for number in range(3):
        start(f"run {number}")
    for facet, index in ((Progress.PROVIDER, "runs_wait_provider"), (Progress.SLOT, "runs_state_updated")):
        page = Run.objects.all().in_progress(facet, time.time(), LEASE).order_by("-updated_at", "-run_id")
        plan = page[:50].explain()
        if connection.vendor == "sqlite":
            assert index in plan
            assert "TEMP B-TREE" not in plan


def test_it_is_not_shaken_by_a_time_beyond_the_calendar(worker: str) -> None:
    run = start("hello")
    claimed(run, worker)
    Run.objects.filter(pk=run.pk).update(lease_until=1e18)
    assert said(run).cause == Cause.CLOCK_AHEAD
