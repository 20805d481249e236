"""Tool calls as rows: proposed with a reply, granted or refused, marked started, finished."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from runtime import canonical
from runtime.events import EventType, iso
from runtime.faults import Point, reach
from runtime.journal.entry import Entry
from runtime.journal.rows import change_rows, insert, update
from runtime.lifecycle import ApprovalStatus, CallState, Decision, check_call_move
from runtime.models import Approval, Artifact, ThreadMessage, ToolCall
from runtime.models.base import new_id
from runtime.models.rows import db_time, one, select

_LIVE = "spent_at IS NULL AND decision IN ('approve', 'edit')"
_GRANTS = (
    "SELECT approvals.approval_id, decision, decisions.digest, CAST(arguments_after AS TEXT) "  # noqa: S608
    f"FROM approvals LEFT JOIN decisions ON decisions.approval_id = approvals.approval_id AND {_LIVE} "
    "WHERE approvals.tool_call_id = %s ORDER BY requested_at, approvals.approval_id"
)
_SPEND = f"UPDATE decisions SET spent_at = %s WHERE approval_id = %s AND {_LIVE}"  # noqa: S608
EVENT_TEXT = 16_000  #: characters of a result or error that its event carries; the transcript has it all


class NotGranted(Exception):
    """The executor's own check failed: no live grant for exactly these bytes."""


@dataclass(frozen=True)
class GatedCall:
    """A call of a reply with the gate's verdict."""

    provider_call_id: str
    tool_name: str
    tool_version: str
    raw_arguments: str
    arguments: dict[str, Any] | None  #: None when malformed
    state: CallState  #: GRANTED, WAITING or REFUSED
    rule: str = ""
    rule_reason: str = ""
    answer: str = ""  #: what the model is told when refused
    allowed_decisions: tuple[str, ...] = ()
    expires_after_seconds: int | None = None
    schema: dict[str, Any] | None = None


def propose(entry: Entry, message: ThreadMessage, calls: list[GatedCall]) -> int:
    """Writes the calls of a reply and an approval for each that waits. Gives how many wait."""
    waiting = 0
    for position, gated in enumerate(calls):
        arguments = None if gated.arguments is None else canonical.encode(gated.arguments).decode()
        name = canonical.storable(gated.tool_name)
        call = ToolCall(
            thread_id=entry.run.thread_id,
            run_id=entry.run.run_id,
            turn=entry.run.turns,
            position=position,
            provider_call_id=canonical.storable(gated.provider_call_id),
            tool_name=name,
            tool_version=gated.tool_version,
            raw_arguments=canonical.storable(gated.raw_arguments),
            arguments_json=arguments,
            digest=canonical.call_digest(name, gated.tool_version, gated.arguments),
            state=gated.state.value,
            rule=gated.rule,
            answer=canonical.storable(gated.answer),
            requested_at=entry.now,
        )
        entry.write(partial(_insert_call, call, message))
        if gated.state is CallState.WAITING:
            waiting += 1
            ask(entry, call, gated)
    entry.write(partial(reach, Point.REPLY_PROPOSED))
    return waiting


def _insert_call(call: ToolCall, message: ThreadMessage) -> None:
    call.message_id = message.pk
    insert(call)


def ask(entry: Entry, call: ToolCall, gated: GatedCall) -> None:
    """Requests the approval of a call; `gated` says by which rule, and what may be decided."""
    expires: datetime | None = None
    if gated.expires_after_seconds is not None:
        expires = entry.now + timedelta(seconds=gated.expires_after_seconds)
    approval_id = new_id()
    sequence = entry.note(
        EventType.APPROVAL_REQUESTED,
        approval_id=approval_id,
        tool_call_id=call.tool_call_id,
        tool_name=call.tool_name,
        rule=gated.rule,
        reason=gated.rule_reason,
        arguments_digest=call.digest,
        expires_at=iso(expires) if expires else None,
        allowed_decisions=list(gated.allowed_decisions),
    )
    approval = Approval(
        approval_id=approval_id,
        thread_id=call.thread_id,
        run_id=call.run_id,
        tool_call_id=call.tool_call_id,
        tool_name=call.tool_name,
        status=ApprovalStatus.PENDING.value,
        requested_at=entry.now,
        allowed_decisions_json=list(gated.allowed_decisions),
        input_preview_json=gated.arguments,
        checkpoint_ref=entry.run.checkpoint_ref or "",
        event_refs_json=[sequence],
        agent_id=entry.run.agent_id,
        digest=call.digest,
        arguments_schema_json=gated.schema or {},
        rule=gated.rule,
        rule_reason=gated.rule_reason,
        expires_at=expires,
    )
    entry.write(partial(insert, approval))


def change(call: ToolCall, to: CallState, **values: Any) -> None:
    """Moves a call; raises IllegalMove when the table forbids it. Inside an entry only."""
    check_call_move(CallState(call.state), to)
    call.state = to.value
    for name, value in values.items():
        setattr(call, name, value)
    update(call, ["state", *values])


def call_of(run_id: str, call_id: str) -> ToolCall:
    """A call of a run, as its row is now."""
    call = one(ToolCall, "tool_call_id = %s AND run_id = %s", [call_id, run_id])
    assert call is not None, "a call goes only with its run"
    return call


def start(entry: Entry, call: ToolCall, *, worker: str) -> ToolCall:
    """The executor's mark on a call as its row is in this entry: checks the grant against the bytes again,
    spends the decision, notes the start.

    Raises NotGranted when the call is not granted or its arguments are not those that were decided; then
    nothing is written.
    """
    again = call.state == CallState.STARTED  # a repeatable call whose worker died
    if not again and call.state != CallState.GRANTED:
        raise NotGranted(f"Call {call.tool_call_id} is {call.state}.")
    if canonical.call_digest(call.tool_name, call.tool_version, call.arguments) != call.digest:
        raise NotGranted(f"The arguments of call {call.tool_call_id} are not those that were granted.")
    if not again:
        _spend(entry, call)
    attempt = call.attempt + 1
    key = call.idempotency_key or call.tool_call_id
    change(call, CallState.STARTED, attempt=attempt, started_at=entry.now, worker=worker, idempotency_key=key)
    entry.note(
        EventType.TOOL_STARTED,
        tool_call_id=call.tool_call_id,
        tool_name=call.tool_name,
        attempt=attempt,
        arguments_digest=call.digest,
        idempotency_key=key,
        worker=worker,
    )
    reach(Point.START_WRITTEN)
    return call


def _spend(entry: Entry, call: ToolCall) -> None:
    """A decision is spent when its call starts: a call that was asked about needs one that is unspent, and
    for these very bytes. An edit's are those that the person wrote."""
    grants = select(_GRANTS, [call.tool_call_id])
    if not grants:
        return  # allowed by a rule
    approval_id, decision, digest, written = grants[-1]
    if decision is None:
        raise NotGranted(f"Call {call.tool_call_id} has no unspent decision.")
    if decision == Decision.EDIT:
        digest = canonical.call_digest(call.tool_name, call.tool_version, json.loads(written))
    if digest != call.digest:
        raise NotGranted(f"The arguments of call {call.tool_call_id} are not those that were decided.")
    if change_rows(_SPEND, [db_time(entry.now), approval_id]) != 1:
        raise NotGranted(f"Call {call.tool_call_id} has no unspent decision.")
    reach(Point.DECISION_SPENT)


def finish(
    entry: Entry,
    call: ToolCall,
    *,
    text: str,
    failed: bool = False,
    duration_ms: int | None = None,
    answered_by: str | None = None,
) -> None:
    """Writes a call's result or error, the tool message the model will read, and the event.

    A refused or answered call keeps its state: it never ran.
    """
    text = canonical.storable(text)
    values: dict[str, Any] = {"finished_at": entry.now, "duration_ms": duration_ms}
    values["error" if failed else "result"] = text
    if call.state == CallState.STARTED:
        entry.write(partial(change, call, CallState.FAILED if failed else CallState.COMPLETED, **values))
    else:
        for name, value in values.items():
            setattr(call, name, value)
        entry.write(partial(update, call, list(values)))
    content = {"text": text, "tool_call_id": call.provider_call_id, "tool_name": call.tool_name}
    message = entry.message("tool", content, step="result")
    common: dict[str, Any] = {
        "tool_call_id": call.tool_call_id,
        "tool_name": call.tool_name,
        "attempt": call.attempt,
        "arguments_digest": call.digest,
        "duration_ms": duration_ms,
        "message_digest": message.digest,
    }
    if failed:
        entry.note(EventType.TOOL_FAILED, **common, error=shorten(text))
    else:
        extra = {"answered_by": answered_by} if answered_by else {}
        entry.note(EventType.TOOL_COMPLETED, **common, result=shorten(text), **extra)
    entry.write(partial(reach, Point.FINISH_WRITTEN))


def shorten(text: str) -> str:
    """At most EVENT_TEXT characters, and the cut is said."""
    if len(text) <= EVENT_TEXT:
        return text
    return f"{text[:EVENT_TEXT]}\n… {len(text) - EVENT_TEXT} more characters are in the transcript."


def keep_artifact(
    entry: Entry, call: ToolCall, *, path: str, stored_name: str, size: int, sha256: str, kind: str
) -> Artifact:
    """The row of a file that a tool has written (and synced) below the run's directory, and its event.

    Saving a path again replaces what the path names: the older row goes, its file stays until the run goes.
    """
    path = canonical.storable(path)
    artifact = Artifact(
        thread_id=entry.run.thread_id,
        run_id=entry.run.run_id,
        kind=kind,
        path=path,
        stored_name=stored_name,
        size=size,
        sha256=sha256,
        created_at=entry.now,
    )
    entry.write(partial(_replace, artifact))
    entry.note(
        EventType.ARTIFACT_CREATED,
        artifact_id=artifact.artifact_id,
        path=path,
        stored_name=stored_name,
        size=size,
        sha256=sha256,
        kind=kind,
        tool_call_id=call.tool_call_id,
    )
    entry.write(partial(reach, Point.ARTIFACT_WRITTEN))
    return artifact


def _replace(artifact: Artifact) -> None:
    change_rows("DELETE FROM artifacts WHERE run_id = %s AND path = %s", [artifact.run_id, artifact.path])
    insert(artifact)
