"""Calls in doubt: started, then a crash. A person says whether it happened."""

from __future__ import annotations

from runtime import canonical
from runtime.events import EventType
from runtime.faults import Point, reach
from runtime.journal.calls import GatedCall, ask, call_of, change, finish, shorten
from runtime.journal.entering import entry
from runtime.journal.entry import Entry
from runtime.lifecycle import TERMINAL, CallState, RunState
from runtime.models import Run, ToolCall

HAPPENED = "happened"
DID_NOT_HAPPEN = "did_not_happen"


class NotInDoubt(Exception):
    """The run has no call in doubt (any more); nothing was written."""


def doubt(current: Entry, call_id: str) -> None:
    """Parks a run whose call started without a result and may not simply run again."""
    call = call_of(current.run.run_id, call_id)
    if call.state != CallState.IN_DOUBT:
        change(call, CallState.IN_DOUBT)
        current.note(
            EventType.TOOL_IN_DOUBT,
            tool_call_id=call.tool_call_id,
            tool_name=call.tool_name,
            attempt=call.attempt,
            arguments_digest=call.digest,
            error="The worker was lost after the call began.",
        )
    current.move(RunState.IN_DOUBT, f"it is unknown whether {call.tool_name} happened")
    reach(Point.DOUBT_WRITTEN)


def give_up(current: Entry, reason: str, error: str) -> None:
    """Fails a run that cannot go on. A call of it that had started is in doubt first: failing would hide that
    it may have happened."""
    open_calls = ToolCall.objects.filter(run_id=current.run.run_id, finished_at__isnull=True)
    for call in open_calls.order_by("turn", "position"):
        if call.state in (CallState.STARTED, CallState.IN_DOUBT):
            doubt(current, call.tool_call_id)
            return
    for call in open_calls:
        change(call, CallState.CANCELLED, finished_at=current.now)
    current.end(RunState.FAILED, reason, error=error)


def call_in_doubt(run_id: str) -> ToolCall | None:
    """The call that a run in doubt waits for."""
    calls = ToolCall.objects.filter(run_id=run_id, state=CallState.IN_DOUBT.value)
    return calls.order_by("turn", "position").first()


def resolve(
    run_id: str,
    *,
    outcome: str,
    result: str,
    again: GatedCall,
    resolved_by: str,
    source: str = "system",
    address: str = "",
) -> Run:
    """Settles a call in doubt. It happened: `result` stands as its result. It did not: the decision that let
    it start is spent, so a person is asked again, by the rule in `again`. A run that was cancelled meanwhile
    stays as it is.

    Raises RunGone or NotInDoubt.
    """
    with entry(run_id) as current:
        call = call_in_doubt(run_id)
        ended = current.run.state in TERMINAL
        if call is None or not (ended or current.run.state == RunState.IN_DOUBT):
            raise NotInDoubt(f"Run {run_id} is {current.run.state}.")
        came = {"result": canonical.storable(result)} if ended and outcome == HAPPENED else {}
        current.note(
            EventType.TOOL_RESOLVED,
            tool_call_id=call.tool_call_id,
            tool_name=call.tool_name,
            attempt=call.attempt,
            arguments_digest=call.digest,
            outcome=outcome,
            resolved_by=resolved_by,
            source=source,
            address=address,
            **({"result": shorten(came["result"])} if came else {}),
        )
        if ended:
            state = CallState.COMPLETED if outcome == HAPPENED else CallState.CANCELLED
            change(call, state, finished_at=current.now, **came)
        elif outcome == HAPPENED:
            change(call, CallState.COMPLETED)
            finish(current, call, text=result, answered_by=resolved_by)
            current.move(RunState.QUEUED, f"{resolved_by} said that {call.tool_name} happened")
        else:
            change(call, CallState.WAITING)
            ask(current, call, again)
            reason = (
                f"{resolved_by} said that {call.tool_name} did not happen; running it again is asked anew"
            )
            current.move(RunState.WAITING_FOR_APPROVAL, reason)
        reach(Point.RESOLVE_WRITTEN)
    reach(Point.RESOLVE_COMMITTED)
    return current.run
