"""Many at once, each with a connection of its own: what one writer at a time gives on SQLite, locks must give
on PostgreSQL."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from runtime import actions, journal
from runtime.access import Actor
from runtime.journal.imported import NEW, NEWER, bring_run, bring_thread
from runtime.lifecycle import CallState, IllegalMove, RunState
from runtime.models import Approval, DecisionRecord, Event, Run, RunRequest, Thread
from runtime.upkeep.verify import verify
from tests.journal.conftest import claim, new_run, propose, verdict

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 8
OLGA = Actor("person", "olga", frozenset({"operator"}))


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each gave or raised; all begin together."""
    results: list[Any] = [None] * len(acts)
    begin = threading.Barrier(len(acts))

    def run(place: int) -> None:
        begin.wait()
        try:
            results[place] = acts[place]()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def park(run: Run, waiting: int = 1) -> list[Approval]:
    """The run's pending approvals."""
    lease = claim(run)
    assert lease is not None
    propose(run, lease, *[("write_file", CallState.WAITING)] * waiting)
    return list(Approval.objects.filter(run=run).in_order())


def in_order(run_id: str) -> bool:
    sequences = Event.objects.of_run(run_id).values_list("sequence", flat=True)
    return list(sequences) == list(range(1, len(sequences) + 1))


@pytest.fixture(autouse=True)
def _sound() -> Any:
    """Whatever a test did, the records are consistent afterwards."""
    yield
    assert verify().differences == []


def test_it_gives_a_run_to_one_of_many_claimers() -> None:
    for _ in range(5):
        run = new_run()
        leases = at_once([partial(claim, run, f"w{n}") for n in range(MANY)])
        assert [type(lease) for lease in leases if lease] == [journal.Lease]
        assert in_order(run.run_id)


def test_it_never_has_two_active_runs_of_a_thread() -> None:
    first = new_run()
    rest = [new_run(thread_id=first.thread_id) for _ in range(MANY - 1)]
    left = [first, *rest]
    while left:
        leases = at_once([partial(claim, run, f"w-{run.run_id}") for run in left])
        [lease] = [lease for lease in leases if lease]
        assert lease.run_id == left.pop(0).run_id
        with journal.entry(lease.run_id, lease) as entry:
            entry.end(RunState.COMPLETED, "done", output="x")


def test_it_fills_the_slots_of_a_worker_and_no_more() -> None:
    runs = [new_run() for _ in range(MANY)]
    leases = at_once([partial(claim, run, "busy", slots=3) for run in runs])
    assert sum(isinstance(lease, journal.Lease) for lease in leases) == 3
    assert Run.objects.filter(lease_owner="busy", state="running").count() == 3


def test_it_numbers_the_runs_of_a_thread_without_gap() -> None:
    first = new_run()
    made = at_once([lambda: new_run(thread_id=first.thread_id)] * MANY)
    assert sorted(run.position for run in made) == list(range(2, MANY + 2))
    thread = Thread.objects.get(pk=first.thread_id)
    assert thread.run_count == MANY + 1
    assert thread.latest_run_id == Run.objects.filter(thread=thread).latest("position").run_id


def test_it_makes_one_run_of_equal_requests() -> None:
    made = at_once([lambda: actions.start_run(OLGA, "once", agent="direct", idempotency_key="k")] * MANY)
    assert len({run.run_id for run in made}) == 1
    assert RunRequest.objects.count() == 1


def test_it_lets_one_of_many_deciders_win() -> None:
    [approval] = park(new_run())
    decisions = ["approve", "reject"] * (MANY // 2)
    said = [verdict(approval, decision, by=f"r{n}") for n, decision in enumerate(decisions)]
    results = at_once([partial(journal.settle, approval.approval_id, each) for each in said])
    assert sum(isinstance(result, Approval) for result in results) == 1
    assert sum(isinstance(result, journal.AlreadyDecided) for result in results) == MANY - 1
    assert DecisionRecord.objects.count() == 1
    assert in_order(approval.run_id)


def test_it_queues_a_run_once_when_its_last_calls_are_decided_together() -> None:
    run = new_run()
    approvals = park(run, waiting=4)
    acts = [partial(journal.settle, each.approval_id, verdict(each, "approve")) for each in approvals]
    results = at_once(acts)
    assert all(isinstance(result, Approval) for result in results)
    run.refresh_from_db()
    assert run.state == RunState.QUEUED
    queued = [event for event in Event.objects.of_run(run.run_id) if event.type == "run.queued"]
    assert len(queued) == 2  # created, decided


def test_it_knows_one_end_of_a_run_that_is_cancelled_and_decided_and_finished() -> None:
    for _ in range(3):
        run = new_run()
        [approval] = park(run)
        decide = partial(journal.settle, approval.approval_id, verdict(approval, "approve"))
        cancel = partial(journal.cancel, run.run_id, requested_by="olga", source="api", reason="")
        at_once([decide, cancel, cancel, partial(claim, run)])
        run.refresh_from_db()
        assert run.state == RunState.CANCELLED
        assert in_order(run.run_id)


def test_it_deletes_a_thread_whole_or_not_at_all() -> None:
    for _ in range(5):
        run = new_run()
        [approval] = park(run)
        thread_id = run.thread_id
        acts: list[Callable[[], Any]] = [
            partial(journal.delete_thread, thread_id, deleted_by="olga", source="api"),
            partial(journal.settle, approval.approval_id, verdict(approval, "approve")),
            partial(new_run, thread_id=thread_id),
            partial(journal.cancel, run.run_id, requested_by="olga", source="api", reason=""),
        ]
        random.shuffle(acts)
        expected = (
            *(journal.ThreadBusy, journal.ThreadGone, journal.RunGone, journal.AlreadyDecided),
            *(IllegalMove, Approval.DoesNotExist),
        )
        for result in at_once(acts):
            assert not isinstance(result, Exception) or isinstance(result, expected), result
        left = Thread.objects.filter(pk=thread_id).count()
        assert left == min(1, Run.objects.filter(thread_id=thread_id).count())


def test_it_beats_for_runs_that_are_written_at_the_same_time() -> None:
    runs = [new_run() for _ in range(4)]
    leases = [claim(run, "w1") for run in runs]
    held = [lease for lease in leases if lease]

    def write(lease: journal.Lease) -> None:
        for number in range(5):
            with journal.entry(lease.run_id, lease, durable=False) as entry:
                entry.set(priority=number)

    def beat() -> None:
        for _ in range(5):
            journal.renew(held, 30.0)

    results = at_once([*[partial(write, lease) for lease in held], beat, beat])
    assert not [result for result in results if isinstance(result, Exception)]


def test_an_import_waits_for_an_entry_about_the_same_run() -> None:
    """Both take the run first, then its thread."""
    now = datetime.now(UTC)
    bring_thread(Thread(thread_id="t1", entry_agent_id="direct", status="waiting_for_approval"))
    known: dict[str, Any] = {"agent_id": "direct", "execution_mode": "plan", "adapter_kind": "plan"}
    waiting = Run(run_id="r1", thread_id="t1", state="waiting_for_approval", imported_at=now, **known)
    assert bring_run(waiting, None) == NEW
    newer = Run.objects.get(pk="r1")
    newer.updated_at += timedelta(microseconds=1)
    brought: list[Any] = []

    def bring() -> None:
        brought.extend(at_once([lambda: bring_run(newer, None)]))

    importing = threading.Thread(target=bring)
    with journal.entry("r1") as current:
        importing.start()
        importing.join(0.5)  # by now it waits
        current.end(RunState.CANCELLED, "enough")
    importing.join(30)
    assert brought == [NEWER]
