"""What maintenance may remove, situation by situation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from runtime import journal
from runtime.lifecycle import RunState
from runtime.models import Run, Thread
from runtime.models.protection import GOES
from tests.journal.conftest import claim, new_run
from tests.upkeep.conftest import date, ended, in_doubt, waiting

pytestmark = pytest.mark.django_db

OLD, YOUNG = 40.0, 1.0


def held() -> Run:
    run = ended(OLD)
    journal.hold_thread(run.thread_id, reason="a lawsuit", held_by="anna", source="page")
    return run


def lifted() -> Run:
    run = held()
    journal.lift_hold(run.thread_id, lifted_by="anna", source="page")
    return run


def beside(make: Callable[[str], Run]) -> Callable[[], Run]:
    """An old, ended run, and in the same thread another, as old."""

    def both() -> Run:
        first = ended(OLD)
        date(make(first.thread_id), OLD)
        return Run.objects.get(pk=first.pk)

    return both


def running(thread_id: str) -> Run:
    run = new_run(thread_id=thread_id)
    claim(run)
    return run


def brought_along(days: float) -> Run:
    run = ended(OLD)
    Run.objects.filter(pk=run.pk).update(imported_at=datetime.now(UTC) - timedelta(days=days))
    return run


SITUATIONS: dict[str, tuple[Callable[[], Run], str, str]] = {
    # what there is: why its checkpoints stay, why its thread stays; empty: they go
    "old and completed": (lambda: ended(OLD), "", ""),
    "old and failed": (lambda: ended(OLD, RunState.FAILED), "", ""),
    "old and cancelled": (lambda: ended(OLD, RunState.CANCELLED), "", ""),
    "young": (lambda: ended(YOUNG), "young", "young"),
    "older than a week": (lambda: ended(8), "", "young"),
    "brought along lately": (lambda: brought_along(YOUNG), "", "young"),
    "brought along long ago": (lambda: brought_along(OLD), "", ""),
    "held": (held, "held", "held"),
    "no longer held": (lifted, "", ""),
    "beside one that is queued": (beside(lambda t: new_run(thread_id=t)), "active", "active"),
    "beside one that runs": (beside(running), "active", "active"),
    "beside one that waits": (beside(lambda t: waiting(thread_id=t).run), "active", "active"),
    "beside one that has ended": (beside(lambda t: ended(thread_id=t)), "", ""),
    "cancelled with a call in doubt": (lambda: in_doubt(OLD, cancelled=True), "in_doubt", "in_doubt"),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_it_keeps_what_is_needed_and_says_why(situation: str) -> None:
    make, why_chain, why_thread = SITUATIONS[situation]
    run = make()
    now = datetime.now(UTC)
    chains = Run.objects.with_chain(now - timedelta(days=7), 0, None)
    assert chains.get(pk=run.pk).kept == why_chain  # type: ignore[attr-defined]
    threads = Thread.objects.for_record_maintenance(now - timedelta(days=30), None)
    assert threads.get(pk=run.thread_id).kept == why_thread  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "state", [RunState.QUEUED, RunState.RUNNING, RunState.WAITING_FOR_APPROVAL, RunState.IN_DOUBT]
)
def test_it_never_touches_a_run_that_has_not_ended(state: str) -> None:
    run = in_doubt() if state == RunState.IN_DOUBT else new_run()
    if state == RunState.RUNNING:
        claim(run)
    if state == RunState.WAITING_FOR_APPROVAL:
        run = waiting().run
    assert Run.objects.get(pk=run.pk).state == state
    now = datetime.now(UTC) + timedelta(days=999)
    assert not Run.objects.with_chain(now, 0, None).filter(pk=run.pk).exists()
    assert not Run.objects.with_text(now).filter(pk=run.pk).exists()
    assert Thread.objects.for_record_maintenance(now, None).get(pk=run.thread_id).kept == "active"  # type: ignore[attr-defined]


def test_it_keeps_the_newest_runs_of_a_thread() -> None:
    runs = [ended(OLD)]
    runs += [ended(OLD, thread_id=runs[0].thread_id) for _ in range(3)]
    before = datetime.now(UTC) - timedelta(days=7)

    def go(newest: int, too_many: tuple[datetime, str] | None = None) -> list[Run]:
        return [run for run in runs if run in Run.objects.with_chain(before, newest, too_many).filter(GOES)]

    assert go(newest=2) == runs[:2]
    assert go(newest=4) == []
    place = (runs[2].updated_at, runs[2].run_id)
    assert go(2, place) == runs[:3], "all together are too large: the oldest of the newest go"


def test_it_lets_threads_go_that_are_too_many() -> None:
    runs = [ended(days) for days in (3, 2, 1)]
    assert Thread.objects.beyond(3) is None
    place = Thread.objects.beyond(1)
    long_ago = datetime.now(UTC) - timedelta(days=30)
    gone = Thread.objects.for_record_maintenance(long_ago, place).filter(GOES)
    assert set(gone.values_list("pk", flat=True)) == {run.thread_id for run in runs[:2]}


def test_it_looks_at_what_protects_by_index() -> None:
    ended(OLD)
    now = datetime.now(UTC)
    plan = Thread.objects.for_record_maintenance(now, None).filter(GOES).explain()
    assert "SEARCH" in plan or connection.vendor != "sqlite"
    assert "SCAN runs" not in plan
    assert "SCAN tool_calls" not in plan
