"""Runs of the past, made by the journal and then dated back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import CallState, RunState
from runtime.models import Approval, MaintenancePass, Run, Thread, ToolCall
from runtime.upkeep import maintenance
from tests.journal.conftest import claim, new_run, propose, reply

NOW = datetime.now(UTC)


def ended(days: float = 0.0, state: RunState = RunState.COMPLETED, **values: Any) -> Run:
    """A run with streamed text that ended so many days ago, and so its thread changed then."""
    run = new_run(**values)
    with journal.entry(run.run_id, claim(run)) as entry:
        entry.note(EventType.MODEL_STARTED, call=1)
        for piece in ("Good ", "bye ☂"):
            entry.note(EventType.OUTPUT_DELTA, text=piece, call=1)
        reply(entry, "Good bye ☂")
        entry.end(state, "over", output="Good bye ☂")
    date(run, days)
    return Run.objects.get(pk=run.pk)


def date(run: Run, days: float) -> None:
    """Dates the last change of the run and of its thread back."""
    moment = datetime.now(UTC) - timedelta(days=days)
    Run.objects.filter(pk=run.pk).update(updated_at=moment)
    Thread.objects.filter(pk=run.thread_id).update(updated_at=moment)


def waiting(**values: Any) -> Approval:
    """A run that waits for a decision."""
    run = new_run(**values)
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("write_file", CallState.WAITING))
    return Approval.objects.get(run=run)


def in_doubt(days: float = 0.0, *, cancelled: bool = False) -> Run:
    """A run whose call nobody knows about; cancelled, it is over, and the call is in doubt all the same."""
    run = new_run()
    lease = claim(run)
    assert lease is not None
    (call,) = propose(run, lease, ("write_file", CallState.GRANTED))
    with journal.entry(run.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, call.pk), worker="w1")
    with journal.entry(run.run_id, lease) as entry:
        journal.doubt(entry, call.pk)
    if cancelled:
        journal.cancel(run.run_id, requested_by="olga", source="page", reason="")
    assert ToolCall.objects.get(pk=call.pk).state == CallState.IN_DOUBT
    date(run, days)
    return Run.objects.get(pk=run.pk)


def make(kind: str) -> MaintenancePass:
    """A pass now."""
    current = maintenance.run_pass(kind, requested_by="anna")
    assert current is not None
    assert current.error == ""
    assert current.finished_at is not None
    return current
