"""An entry that is gathered before its transaction begins: short for others, and no less strict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runtime import journal
from runtime.events import EventType
from runtime.journal.rows import change_rows, insert
from runtime.journal.signals import run_queued
from runtime.lifecycle import CallState, RunState
from runtime.models import Approval, Event, Run, ThreadMessage, ToolCall
from runtime.upkeep.verify import verify
from tests.journal.conftest import claim, new_run, reply

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held() -> tuple[journal.Lease, Run]:
    """A claimed run, as its worker knows it."""
    run = new_run()
    lease = claim(run)
    assert lease is not None
    with journal.entry(run.run_id, lease) as entry:
        entry.note(EventType.MODEL_STARTED, call=1)
    return lease, entry.run


@pytest.fixture
def rung() -> Iterator[list[tuple[str, str]]]:
    """Who was rung for, and the state that everybody sees at that moment."""
    heard: list[tuple[str, str]] = []

    def hear(run_id: str, **_: Any) -> None:
        heard.append((run_id, Run.objects.values_list("state", flat=True).get(pk=run_id)))

    run_queued.connect(hear, weak=False)
    yield heard
    run_queued.disconnect(hear)


def waiting_call() -> journal.GatedCall:
    return journal.GatedCall(
        provider_call_id="c1",
        tool_name="write_file",
        tool_version="1",
        raw_arguments="{}",
        arguments={},
        state=CallState.WAITING,
    )


def ask(entry: journal.Entry) -> None:
    """A whole reply that asks."""
    calls = [waiting_call()]
    journal.propose(entry, reply(entry, "May I?", calls), calls)
    entry.move(RunState.WAITING_FOR_APPROVAL, "asked")


def refused(
    error: type[Exception], lease: journal.Lease, known: Run, *meanwhile: Callable[[], object]
) -> None:
    """A reply is gathered, something happens meanwhile, and then it cannot be written any more."""

    def write() -> None:
        with journal.prepared(lease, deepcopy(known)) as entry:
            ask(entry)
            for act in meanwhile:
                act()

    with pytest.raises(error):
        write()
    assert not connection.in_atomic_block


def rows() -> list[int]:
    return [each.objects.count() for each in (Event, ThreadMessage, ToolCall, Approval)]


def test_it_holds_nobody_up_while_it_gathers(held: tuple[journal.Lease, Run]) -> None:
    lease, known = held
    before = rows()
    with journal.prepared(lease, known) as entry:
        ask(entry)
        assert not connection.in_atomic_block
        assert rows() == before
    assert rows() == [before[0] + 3, before[1] + 1, 1, 1]
    call = ToolCall.objects.get()
    assert call.message == ThreadMessage.objects.get(role="assistant")
    stored = Run.objects.get(pk=known.run_id)
    assert (stored.state, stored.steps) == ("waiting_for_approval", 2)
    assert verify().differences == []


def test_what_it_wrote_is_there_to_be_read_as_soon_as_it_is_open(held: tuple[journal.Lease, Run]) -> None:
    lease, known = held
    with journal.prepared(lease, known) as entry:
        calls = [waiting_call()]
        message = reply(entry, "May I?", calls)
        journal.propose(entry, message, calls)
        entry.open()
        assert connection.in_atomic_block
        assert ToolCall.objects.get().message_id == message.pk
        entry.end(RunState.COMPLETED, "done")
    assert verify().differences == []


def test_it_is_refused_when_the_run_was_cancelled_before(held: tuple[journal.Lease, Run]) -> None:
    lease, known = held
    journal.cancel(known.run_id, requested_by="olga", source="page", reason="")
    before = rows()
    refused(journal.Fenced, lease, known)
    assert rows() == before


def test_it_is_refused_when_the_run_is_cancelled_meanwhile(held: tuple[journal.Lease, Run]) -> None:
    lease, known = held
    refused(
        journal.Fenced,
        lease,
        known,
        lambda: journal.cancel(known.run_id, requested_by="olga", source="page", reason=""),
    )
    assert not Approval.objects.exists()
    assert Run.objects.get(pk=known.run_id).state == "cancelled"
    assert verify().differences == []


def test_it_is_refused_when_another_worker_has_the_run(held: tuple[journal.Lease, Run]) -> None:
    lease, known = held
    refused(
        journal.Fenced,
        lease,
        known,
        lambda: journal.requeue_orphan(known.run_id, 30.0, why="lost", attempts=5, dead_owners=["w1"]),
        lambda: claim(known, "w2"),
    )
    stored = Run.objects.get(pk=known.run_id)
    assert (stored.state, stored.lease_owner, stored.output) == ("running", "w2", None)


def test_it_finds_the_run_gone(held: tuple[journal.Lease, Run]) -> None:
    lease, known = held
    refused(
        journal.RunGone,
        lease,
        known,
        lambda: journal.cancel(known.run_id, requested_by="olga", source="page", reason=""),
        lambda: journal.delete_thread(known.thread_id, deleted_by="olga", source="page"),
    )
    assert rows() == [0, 0, 0, 0]


def test_it_does_not_write_over_what_somebody_else_noted(held: tuple[journal.Lease, Run]) -> None:
    """Nobody does; should it happen, the worker gathers again from what is there."""
    lease, known = held

    def note() -> None:
        with journal.entry(known.run_id) as other:
            other.note(EventType.OUTPUT_DELTA, text="b", call=1)

    refused(journal.Overtaken, lease, known, note)
    with journal.entry(known.run_id, lease, known=known) as entry:
        ask(entry)
    assert verify().differences == []


def test_nothing_is_left_of_one_that_fails(held: tuple[journal.Lease, Run]) -> None:
    lease, known = held
    before = rows()

    def fail() -> None:
        raise RuntimeError("the power went")

    refused(RuntimeError, lease, known, fail)

    def fail_late() -> None:
        with journal.prepared(lease, deepcopy(known)) as entry:
            ask(entry)
            entry.open()
            fail()

    with pytest.raises(RuntimeError):
        fail_late()
    assert rows() == before


def test_it_rings_when_the_run_is_queued_for_all_to_see(
    held: tuple[journal.Lease, Run], rung: list[tuple[str, str]]
) -> None:
    lease, known = held
    with journal.prepared(lease, known) as entry:
        entry.move(RunState.QUEUED, "again")
        assert rung == []
    assert rung == [(known.run_id, "queued")]


def test_no_row_is_written_outside_of_a_transaction() -> None:
    with pytest.raises(AssertionError):
        insert(ThreadMessage(thread_id="t", run_id="r", role="user", content_json={}))
    with pytest.raises(AssertionError):
        change_rows("DELETE FROM runs", [])


def test_a_new_run_is_written_once() -> None:
    with CaptureQueriesContext(connection) as asked:
        run = new_run("hello")
    told = [query["sql"] for query in asked if "runs" in query["sql"].split("VALUES")[0].split("SET")[0]]
    assert [sql.split()[0] for sql in told if '"runs"' in sql or " runs " in sql] == ["INSERT"]
    stored = Run.objects.get(pk=run.run_id)
    assert (stored.last_sequence, stored.steps, stored.checkpoint_ref) == (2, 1, f"{run.run_id}.1")
    follower = new_run("and then?", thread_id=run.thread_id)
    assert Run.objects.get(pk=follower.run_id).position == 2
    assert verify().differences == []


def test_columns_that_stay_as_they_were_are_not_written(held: tuple[journal.Lease, Run]) -> None:
    lease, known = held
    with CaptureQueriesContext(connection) as asked, journal.prepared(lease, known) as entry:
        entry.message("assistant", {"text": "well"}, step="reply")
    [change] = [query["sql"] for query in asked if query["sql"].startswith("UPDATE runs")]
    assert "steps" in change
    assert "attempts" in change  # it was claimed once, and progress sets that back
    assert "model_attempts" not in change
    assert "fault" not in change
