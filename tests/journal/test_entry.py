"""Entries: moves and notes, gapless, hashed, all or nothing."""

from __future__ import annotations

import hashlib

import pytest
from django.db import IntegrityError, transaction

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import IllegalMove, RunState
from runtime.models import Event, Run, Thread
from tests.journal.conftest import claim, new_run

pytestmark = pytest.mark.django_db


def test_it_numbers_events_without_a_gap_and_chains_their_hashes() -> None:
    run = new_run()
    lease = claim(run)
    with journal.entry(run.run_id, lease) as entry:
        entry.note(EventType.OUTPUT_DELTA, text="a", call=1)
        entry.note(EventType.OUTPUT_DELTA, text="b", call=1)
    with journal.entry(run.run_id, lease) as entry:
        entry.end(RunState.COMPLETED, "done", output="ab")
    events = list(Event.objects.of_run(run.run_id))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    previous = b""
    for event in events:
        previous = hashlib.sha256(previous + event.event_json.encode()).digest()
        assert bytes(event.hash) == previous
        assert event.body["sequence"] == event.sequence
        assert event.body["type"] == event.type
        assert event.body["timestamp"].endswith("Z")


def test_it_writes_state_event_and_thread_together_or_not_at_all() -> None:
    run = new_run()
    lease = claim(run)
    before = Event.objects.count()

    def write_half() -> None:
        with journal.entry(run.run_id, lease) as entry:
            entry.message("assistant", {"text": "half"}, step="reply")
            entry.end(RunState.COMPLETED, "done", output="x")
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        write_half()
    run.refresh_from_db()
    assert (run.state, run.output, Event.objects.count()) == ("running", None, before)
    assert Thread.objects.get(pk=run.thread_id).status == "running"
    assert run.messages.count() == 1


def test_it_refuses_a_move_that_the_table_forbids() -> None:
    run = new_run()
    with pytest.raises(IllegalMove), journal.entry(run.run_id) as entry:
        entry.move(RunState.COMPLETED, "by magic")
    run.refresh_from_db()
    assert run.state == "queued"


def test_it_refuses_a_stale_lease() -> None:
    run = new_run()
    lease = claim(run)
    with journal.entry(run.run_id) as entry:
        entry.fence()
    with pytest.raises(journal.Fenced), journal.entry(run.run_id, lease) as entry:
        entry.note(EventType.OUTPUT_DELTA, text="from the grave", call=1)
    assert not Event.objects.filter(type="output.delta").exists()


def test_it_says_when_the_run_is_gone() -> None:
    with pytest.raises(journal.RunGone), journal.entry("nothing"):
        pass


def test_it_keeps_what_a_state_means() -> None:
    run = new_run()
    lease = claim(run)
    with journal.entry(run.run_id, lease) as entry:
        entry.move(RunState.WAITING_FOR_APPROVAL, "asked")
    run.refresh_from_db()
    assert (run.resumable, run.previous_state, run.lease_until) == (True, "running", 0.0)
    assert run.checkpoint_ref, "a waiting run without a checkpoint could not be resumed"
    moved = Event.objects.of_run(run.run_id).last()
    assert moved is not None
    assert moved.body["from"] == "running"
    assert moved.body["to"] == "waiting_for_approval"
    assert moved.body["reason"] == "asked"


def test_it_refuses_an_event_beyond_the_limit() -> None:
    run = new_run()
    with pytest.raises(journal.EventTooLarge), journal.entry(run.run_id) as entry:
        entry.note(EventType.OUTPUT_DELTA, text="x" * 300_000, call=1)


def test_it_never_replaces_or_changes_an_event() -> None:
    run = new_run()
    event = Event.objects.of_run(run.run_id).first()
    assert event is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.create(
            thread_id=run.thread_id, run_id=run.run_id, sequence=1, type="x", event_json="{}", hash=b""
        )
    for change in ({"sequence": 77}, {"event_json": '{"type":"forged"}'}, {"hash": b"0"}):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Event.objects.filter(pk=event.pk).update(**change)


@pytest.mark.django_db(transaction=True)
def test_it_is_synced_unless_it_only_notes_streamed_text() -> None:
    from django.db import connection

    run = new_run()

    def level() -> str:
        sqlite = connection.vendor == "sqlite"
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous" if sqlite else "SHOW synchronous_commit")
            return str(cursor.fetchone()[0])

    synced, relaxed = ("2", "1") if connection.vendor == "sqlite" else ("on", "off")
    with journal.entry(run.run_id):
        assert level() == synced
    with journal.entry(run.run_id, durable=False) as entry:
        assert level() == relaxed
        entry.note(EventType.OUTPUT_DELTA, text="a", call=1)
    assert level() == synced
    assert Run.objects.get(pk=run.run_id).last_sequence == 3
