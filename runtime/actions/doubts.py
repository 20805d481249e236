"""What people do about a call in doubt: resolve."""

from __future__ import annotations

from runtime import journal
from runtime.access import Actor
from runtime.actions.checks import need, present, text
from runtime.actions.errors import Conflict, Invalid, NotFound
from runtime.journal.doubts import DID_NOT_HAPPEN, HAPPENED
from runtime.lifecycle import CallState, Decision
from runtime.models import Approval, Run, ToolCall

MAX_RESULT_BYTES = 200_000
WHY_AGAIN = "It was started before and did not happen; starting it again needs a new decision."


def resolve_run(actor: Actor, run_id: str, outcome: str, result: str | None = None) -> Run:
    """Says whether the call in doubt happened (`result`: what came of it) or did not, in which case a person
    is asked again for it, unless the run was cancelled. Conflict when nothing is in doubt."""
    need(actor, "operator")
    if outcome not in (HAPPENED, DID_NOT_HAPPEN):
        raise Invalid.field("outcome", f"outcome must be {HAPPENED} or {DID_NOT_HAPPEN}.")
    if outcome == DID_NOT_HAPPEN and result:
        raise Invalid.field("result", f"result goes with {HAPPENED} only.")
    came = text("result", result, most_bytes=MAX_RESULT_BYTES, required=False)
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"There is no run {run_id[:80]}.")
    call = journal.call_in_doubt(run_id)
    if call is None:
        raise Conflict(f"The run is {run.state}; nothing of it is in doubt.", extra={"state": run.state})
    again = _ask_again(call)
    try:
        return journal.resolve(
            run_id,
            outcome=outcome,
            result=came,
            again=again,
            resolved_by=actor.name,
            source=actor.source,
            address=actor.address,
        )
    except journal.RunGone as error:
        raise NotFound(str(error)) from error
    except journal.NotInDoubt as error:
        raise Conflict(str(error)) from error


def _ask_again(call: ToolCall) -> journal.GatedCall:
    """How a person is asked about a call that did not happen: as its last approval was, or openly."""
    earlier = Approval.objects.filter(tool_call=call).in_order().last()
    tool = present().tools.get(call.tool_name)
    return journal.GatedCall(
        provider_call_id=call.provider_call_id,
        tool_name=call.tool_name,
        tool_version=call.tool_version,
        raw_arguments=call.raw_arguments,
        arguments=call.arguments,
        state=CallState.WAITING,
        rule=earlier.rule if earlier else call.rule,
        rule_reason=WHY_AGAIN,
        allowed_decisions=tuple(earlier.allowed_decisions_json if earlier else [d.value for d in Decision]),
        schema=dict(tool.parameters) if tool else {},
    )
