"""The counters say what there is, after everything that can happen to a run and to an approval."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from runtime import journal
from runtime.journal.counters import recount
from runtime.lifecycle import CallState, RunState
from runtime.models import Approval, Run
from runtime.models.counters import COUNTED, counts, wrong_counters
from tests.journal.conftest import claim, new_run, propose, verdict
from tests.journal.test_races import at_once, park

pytestmark = pytest.mark.django_db
ASKED = ("write_file", CallState.WAITING)
WAITING_FOR_ONE = {"waiting_for_approval": 1, "approvals_pending": 1}


@pytest.fixture(autouse=True)
def _sound() -> Any:
    """Whatever a test did, every counter is right."""
    yield
    assert wrong_counters() == {}


def counted() -> dict[str, int]:
    """What is not 0."""
    return {name: count for name, count in counts().items() if count}


def asked(*calls: tuple[str, CallState], **values: Any) -> Run:
    """A run that waits for a decision about each call."""
    run = new_run(**values)
    lease = claim(run)
    assert lease is not None
    propose(run, lease, *(calls or (ASKED,)))
    return run


def move(run: Run, to: RunState, **values: Any) -> None:
    with journal.entry(run.run_id) as entry:
        entry.set(**values)
        entry.move(to, "so")


def test_it_counts_nothing_at_first() -> None:
    assert counts() == dict.fromkeys(COUNTED, 0)


def test_it_counts_a_run_in_its_state_until_it_ends() -> None:
    run = new_run()
    assert counted() == {"queued": 1}
    claim(run)
    assert counted() == {"running": 1}
    for state in (RunState.WAITING_FOR_CHILD, RunState.QUEUED, RunState.RUNNING, RunState.IN_DOUBT):
        move(run, state)
        assert counted() == {state.value: 1}
    move(run, RunState.QUEUED)
    claim(run)
    with journal.entry(run.run_id) as entry:
        entry.end(RunState.COMPLETED, "done", output="x")
    assert counted() == {}


def test_it_counts_those_behind_a_provider_among_those_that_are_queued() -> None:
    parked, other = new_run(), new_run()
    for run in (parked, other):
        claim(run)
    move(parked, RunState.QUEUED, fault="rate_limited")
    move(other, RunState.QUEUED)
    assert counted() == {"queued": 2, "behind_provider": 1}
    with journal.entry(parked.run_id) as entry:
        entry.set(fault="unreachable")
    assert counted() == {"queued": 2, "behind_provider": 1}
    claim(parked)
    assert counted() == {"queued": 1, "running": 1}
    with journal.entry(parked.run_id) as entry:
        entry.set(fault="")
    move(parked, RunState.QUEUED)
    assert counted() == {"queued": 2}
    with journal.entry(other.run_id) as entry:
        entry.set(fault="rate_limited")
    assert counted() == {"queued": 2, "behind_provider": 1}


def test_it_counts_each_approval_until_it_is_decided() -> None:
    run = asked(ASKED, ASKED)
    assert counted() == {"waiting_for_approval": 1, "approvals_pending": 2}
    first, second = Approval.objects.filter(run=run).in_order()
    journal.settle(first.pk, verdict(first, "approve"))
    assert counted() == WAITING_FOR_ONE
    journal.settle(second.pk, verdict(second, "reject"))
    assert counted() == {"queued": 1}


def test_it_counts_no_approval_that_is_overdue_or_cancelled() -> None:
    late, unwanted = asked(), asked()
    past = datetime.now(UTC) - timedelta(seconds=1)
    Approval.objects.filter(run=late).update(expires_at=past)
    assert journal.expire(Approval.objects.get(run=late).pk)
    assert counted() == {"queued": 1, **WAITING_FOR_ONE}
    journal.cancel(unwanted.run_id, requested_by="olga", source="page", reason="")
    assert counted() == {"queued": 1}


def test_it_counts_what_a_crash_left_behind() -> None:
    run = new_run()
    claim(run, lease_seconds=-1.0)
    assert journal.requeue_orphan(run.run_id, lease_seconds=30.0, why="lost", attempts=5)
    assert counted() == {"queued": 1}


def test_it_counts_nothing_of_a_thread_that_is_deleted() -> None:
    run, other = asked(), asked()
    assert journal.delete_thread(run.thread_id, deleted_by="olga", source="page")
    assert counted() == WAITING_FOR_ONE
    Run.objects.filter(pk=other.pk).delete()
    assert counted() == {}


def test_it_counts_many_rows_of_one_statement() -> None:
    runs = [asked() for _ in range(3)]
    Approval.objects.filter(run__in=runs[:2]).update(status="approved", resolved_at=datetime.now(UTC))
    Run.objects.filter(pk__in=[run.pk for run in runs[:2]]).update(state="queued", fault="timeout")
    assert counted() == {"queued": 2, "behind_provider": 2, **WAITING_FOR_ONE}


def test_what_is_undone_was_never_counted() -> None:
    run = new_run()
    with transaction.atomic():
        move(run, RunState.CANCELLED)
        assert counted() == {}
        transaction.set_rollback(True)
    assert counted() == {"queued": 1}


def test_it_is_set_right_by_a_recount() -> None:
    asked(), new_run()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE counters SET queued = queued + 3, approvals_pending = -2")
    assert wrong_counters().keys() == {"queued", "approvals_pending"}
    recount()
    assert counted() == {"queued": 1, **WAITING_FOR_ONE}


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_all_are_counted_whoever_writes(self) -> None:
        done = at_once([story] * 8)
        assert [each for each in done if each is not None] == []
        assert counted() == {"queued": 8, "waiting_for_approval": 8, "approvals_pending": 8}

    def test_they_are_counted_anew_beside_writers(self) -> None:
        acts: list[Callable[[], Any]] = [*[story] * 4, *[partial(again, recount)] * 2]
        assert [each for each in at_once(acts) if each is not None] == []
        assert counted() == {"queued": 4, "waiting_for_approval": 4, "approvals_pending": 4}

    def test_runs_of_one_thread_wait_for_nothing_but_one_another(self) -> None:
        """Who makes a run has its thread before the run; who moves one has the run first."""
        first = new_run()

        def move_on() -> None:
            for turns in range(20):
                with journal.entry(first.run_id) as entry:
                    entry.set(fault="timeout" if turns % 2 else "")

        made = [partial(again, lambda: new_run(thread_id=first.thread_id))] * 3
        assert [each for each in at_once([move_on, *made]) if isinstance(each, Exception)] == []
        assert counts()["queued"] == 1 + 3 * 20

    def test_an_emptied_table_counts_nothing(self) -> None:
        asked(), new_run()
        call_command("flush", verbosity=0, interactive=False)
        assert counted() == {}

    def test_a_database_of_before_is_counted(self) -> None:
        asked()
        call_command("migrate", "runtime", "0013", verbosity=0)
        try:
            asked(ASKED, ASKED)
            new_run()
        finally:
            call_command("migrate", verbosity=0)
        assert counted() == {"queued": 1, "waiting_for_approval": 2, "approvals_pending": 3}
        claim(Run.objects.get(state="queued"))
        assert counts()["running"] == 1


def again(act: Callable[[], Any]) -> None:
    for _ in range(20):
        act()


def story() -> None:
    """Of three runs one is over, one waits, and one is queued again."""
    gone, waits, goes_on = new_run(), new_run(), new_run()
    for run in (gone, waits, goes_on):
        park(run)
    journal.delete_thread(gone.thread_id, deleted_by="olga", source="page")
    approval = Approval.objects.get(run=goes_on)
    journal.settle(approval.pk, verdict(approval, "approve"))
