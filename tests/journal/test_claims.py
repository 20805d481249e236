"""Claims, leases and recovery."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import CallState, RunState
from runtime.models import Event, Run
from tests.journal.conftest import claim, new_run, propose

pytestmark = pytest.mark.django_db


def test_it_gives_a_run_to_one_worker() -> None:
    run = new_run()
    lease = claim(run, "w1")
    assert lease is not None
    assert claim(run, "w2") is None
    run.refresh_from_db()
    assert (run.state, run.lease_owner, run.lease_epoch) == ("running", "w1", lease.epoch)
    assert run.lease_until > time.time()


@pytest.mark.django_db(transaction=True)
def test_it_has_one_winner_in_a_race() -> None:
    runs = [new_run() for _ in range(10)]
    won: list[str] = []
    start = threading.Barrier(6)

    def race(owner: str) -> None:
        start.wait()
        for run in runs:
            if claim(run, owner) is not None:
                won.append(run.run_id)
        connection.close()

    threads = [threading.Thread(target=race, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(run.run_id for run in runs)
    assert Event.objects.filter(type="run.dequeued").count() == len(runs)


def test_it_runs_a_thread_one_by_one_in_order() -> None:
    first = new_run()
    second = new_run(thread_id=first.thread_id)
    assert claim(second) is None
    lease = claim(first)
    assert claim(second) is None
    with journal.entry(first.run_id, lease) as entry:
        entry.end(RunState.COMPLETED, "done", output="")
    assert claim(second) is not None


def test_it_carries_no_more_than_its_slots() -> None:
    runs = [new_run() for _ in range(3)]
    assert claim(runs[0], slots=2) is not None
    assert claim(runs[1], slots=2) is not None
    assert claim(runs[2], slots=2) is None
    assert claim(runs[2], "another", slots=2) is not None


def test_it_leaves_a_parked_run_until_its_time() -> None:
    run = new_run()
    lease = claim(run)
    later = datetime.now(UTC) + timedelta(minutes=1)
    with journal.entry(run.run_id, lease) as entry:
        entry.move(RunState.QUEUED, "waits for the provider", next_try_at=later)
    assert claim(run) is None
    assert Run.objects.claimable(datetime.now(UTC)) == []
    assert Run.objects.next_alarm(datetime.now(UTC)) == later
    Run.objects.filter(pk=run.run_id).update(next_try_at=datetime.now(UTC))
    assert claim(run) is not None


def test_it_lists_only_what_could_be_claimed() -> None:
    first, other = new_run(), new_run()
    new_run(thread_id=first.thread_id)
    urgent = new_run(priority=5)
    assert Run.objects.claimable(datetime.now(UTC)) == [urgent.run_id, first.run_id, other.run_id]


def test_it_queues_a_lost_run_again_and_fences_the_old_worker() -> None:
    run = new_run()
    lease = claim(run)
    assert journal.requeue_orphan(run.run_id, 30.0, why="lost", attempts=5) is None, "its lease is alive"
    Run.objects.filter(pk=run.run_id).update(lease_until=time.time() - 1)
    assert list(Run.objects.orphaned(time.time(), 30.0)) == [run]
    assert journal.requeue_orphan(run.run_id, 30.0, why="lost", attempts=5) is RunState.QUEUED
    last = Event.objects.of_run(run.run_id).last()
    assert last is not None
    assert (last.type, last.body["from"], last.body["to"]) == ("run.recovered", "running", "queued")
    with pytest.raises(journal.Fenced), journal.entry(run.run_id, lease):
        pass
    assert claim(run, "w2") is not None


def test_it_frees_a_lease_that_a_clock_far_ahead_set() -> None:
    run = new_run()
    claim(run)
    Run.objects.filter(pk=run.run_id).update(lease_until=time.time() + 3600)
    assert journal.requeue_orphan(run.run_id, 30.0, why="lost", attempts=5) is RunState.QUEUED


def test_it_fails_a_run_that_takes_five_workers_down_without_progress() -> None:
    run = new_run()
    for _ in range(5):
        assert claim(run) is not None
        Run.objects.filter(pk=run.run_id).update(lease_until=time.time() - 1)
        journal.requeue_orphan(run.run_id, 30.0, why="lost", attempts=5)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "5 workers" in str(run.error)


def test_it_gives_up_no_run_whose_call_may_have_happened_without_asking_a_person() -> None:
    run = new_run()
    lease = claim(run)
    assert lease is not None
    [call] = propose(run, lease, ("execute", CallState.GRANTED))
    with journal.entry(run.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, call.tool_call_id), worker="w1")
    Run.objects.update(attempts=5, lease_until=time.time() - 1)
    assert journal.requeue_orphan(run.run_id, 30.0, why="lost", attempts=5) is RunState.IN_DOUBT
    call.refresh_from_db()
    assert call.state == "in_doubt"


def test_it_counts_from_zero_again_after_progress() -> None:
    run = new_run()
    lease = claim(run)
    with journal.entry(run.run_id, lease) as entry:
        entry.message("assistant", {"text": "a step"}, step="reply")
    run.refresh_from_db()
    assert run.attempts == 0


def test_it_hands_a_run_back_without_counting_it_against_it() -> None:
    run = new_run()
    lease = claim(run)
    assert lease is not None
    journal.hand_back(lease, "stopping")
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("queued", 0)
    journal.hand_back(lease, "too late")  # nothing happens


def test_it_renews_only_what_it_still_holds() -> None:
    mine, lost = new_run(), new_run()
    leases = [claim(mine), claim(lost)]
    with journal.entry(lost.run_id) as entry:
        entry.fence()
        entry.note(EventType.OUTPUT_DELTA, text="", call=1)
    Run.objects.update(lease_until=1.0)
    journal.renew([lease for lease in leases if lease], 30.0)
    assert Run.objects.get(pk=mine.run_id).lease_until > time.time()
    assert Run.objects.get(pk=lost.run_id).lease_until == 1.0
