"""An entry that is given the run as the last one left it: read again as soon as anything else was written."""

from __future__ import annotations

import threading

import pytest

from runtime import journal
from runtime.engine.context import Context
from runtime.engine.lease import Held
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.models import Event, Run
from runtime.upkeep.verify import verify
from tests.engine.conftest import start
from tests.journal.conftest import claim, new_run

pytestmark = pytest.mark.django_db


def begun() -> tuple[journal.Lease, Run]:
    """A claimed run, as its worker knows it."""
    run = new_run()
    lease = claim(run)
    assert lease is not None
    with journal.entry(run.run_id, lease) as entry:
        entry.note(EventType.OUTPUT_DELTA, text="a", call=1)
    return lease, entry.run


def sequences(run: Run) -> list[int]:
    return [event.sequence for event in Event.objects.of_run(run.run_id)]


def test_it_goes_on_from_what_is_known() -> None:
    lease, known = begun()
    with journal.entry(known.run_id, lease, known=known) as entry:
        assert entry.run is known
        entry.end(RunState.COMPLETED, "done", output="x")
    assert sequences(known) == list(range(1, known.last_sequence + 1))
    assert verify().differences == []


def test_it_reads_again_what_somebody_else_noted() -> None:
    lease, known = begun()
    with journal.entry(known.run_id) as other:
        other.note(EventType.OUTPUT_DELTA, text="b", call=1)
    with journal.entry(known.run_id, lease, known=known) as entry:
        assert entry.run is not known
        entry.note(EventType.OUTPUT_DELTA, text="c", call=1)
    assert sequences(known) == list(range(1, entry.run.last_sequence + 1))
    assert verify().differences == []


def test_it_is_refused_when_the_run_was_cancelled() -> None:
    lease, known = begun()
    journal.cancel(known.run_id, requested_by="olga", source="page", reason="")
    before = sequences(known)
    with pytest.raises(journal.Fenced), journal.entry(known.run_id, lease, known=known) as entry:
        entry.note(EventType.OUTPUT_DELTA, text="late", call=1)
    assert sequences(known) == before


def test_it_is_refused_when_another_worker_has_the_run() -> None:
    lease, known = begun()
    journal.requeue_orphan(known.run_id, 30.0, why="lost", attempts=5, dead_owners=["w1"])
    assert claim(known, "w2") is not None
    with pytest.raises(journal.Fenced), journal.entry(known.run_id, lease, known=known):
        raise AssertionError("It must not come so far.")


def test_it_says_when_the_run_is_gone() -> None:
    lease, known = begun()
    journal.cancel(known.run_id, requested_by="olga", source="page", reason="")
    journal.delete_thread(known.thread_id, deleted_by="olga", source="page")
    with pytest.raises(journal.RunGone), journal.entry(known.run_id, lease, known=known):
        raise AssertionError("It must not come so far.")


def test_a_worker_forgets_what_an_entry_that_failed_had_set() -> None:
    """It was rolled back in the records, not in memory; columns alone show in no sequence."""
    run = start("hello")
    lease = claim(run)
    assert lease is not None
    context = Context(run.run_id, threading.Event())
    context.held = Held(lease, context.stopping, 30.0)
    with context.entry() as entry:
        entry.note(EventType.OUTPUT_DELTA, text="a", call=1)
    assert context.run is entry.run

    def write_half() -> None:
        with context.entry() as entry:
            entry.set(turns=7)
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        write_half()
    with context.entry() as entry:
        assert entry.run.turns == 0
