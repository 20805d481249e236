"""Settling approvals: a person's decision, a passed deadline, a cancelled run. One winner, one entry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from runtime import canonical
from runtime.events import EventType, iso
from runtime.faults import Point, reach
from runtime.journal.calls import call_of, change
from runtime.journal.create import NewRun
from runtime.journal.entering import entry
from runtime.journal.entry import Entry
from runtime.journal.imported import go_on
from runtime.journal.rows import change_rows, insert
from runtime.journal.signals import ring_on_commit
from runtime.lifecycle import OUTCOME, ApprovalStatus, CallState, Decision, RunState, Why
from runtime.models import Approval, DecisionRecord, RecoveryIntent, Run, ToolCall
from runtime.models.rows import db_time, one, select

_TAKE = (
    "UPDATE approvals SET status = %s, resolved_at = %s, event_refs_json = %s "
    "WHERE approval_id = %s AND status = 'pending' AND digest = %s"
)
_PENDING = "SELECT 1 FROM approvals WHERE run_id = %s AND status = 'pending' LIMIT 1"
EXPIRED = "expired, not decided"
_MOMENT = {
    CallState.STARTED: "while it ran; how far it came is not known",
    CallState.IN_DOUBT: "in doubt; whether it happened is not known",
}


@dataclass(frozen=True)
class Verdict:
    """A person's decision, checked for sense already (allowed, schema, rules)."""

    decision: Decision
    digest: str  #: of what the person was shown
    decided_by: str
    source: str  #: page, api, command
    address: str = ""
    reason: str = ""
    content: str | None = None  #: of `respond`
    arguments: dict[str, Any] | None = None  #: of `edit`


class AlreadyDecided(Exception):
    """Someone else settled it first; the winner is in its decision rows."""


class DigestMismatch(Exception):
    """What was shown is not what would run."""


def settle(approval_id: str, verdict: Verdict, *, then: NewRun | None = None) -> Approval:
    """Records a decision durably; the run is queued when it was the last one waited for. An imported run
    ends instead, and `then` is started.

    Raises Approval.DoesNotExist, RunGone, AlreadyDecided or DigestMismatch; then nothing is written.
    """
    with entry(_run_of(approval_id)) as current:
        approval = _take(current, approval_id, OUTCOME[verdict.decision], shown=verdict.digest)
        call = call_of(approval.run_id, approval.tool_call_id)
        before = call.arguments
        _record(current, approval, verdict, before)
        _apply(call, verdict)
        said = {} if verdict.content is None else {"content_digest": canonical.digest(verdict.content)}
        current.note(
            EventType.APPROVAL_RESOLVED,
            approval_id=approval_id,
            tool_call_id=call.tool_call_id,
            tool_name=call.tool_name,
            decision=verdict.decision.value,
            decided_by=verdict.decided_by,
            reason=verdict.reason or None,
            source=verdict.source,
            address=verdict.address,
            arguments_digest=call.digest,
            **said,
        )
        _intent(current, approval, verdict)
        _resume_when_decided(current, Why.DECIDED, then)
        reach(Point.SETTLE_WRITTEN)
    reach(Point.SETTLE_COMMITTED)
    return approval


def expire(approval_id: str) -> bool:
    """Settles an approval whose deadline has passed; False when it is not pending or not due."""
    with entry(_run_of(approval_id)) as current:
        due = Approval.objects.overdue(current.now).filter(pk=approval_id).exists()
        if not due:
            return False
        approval = _take(current, approval_id, ApprovalStatus.EXPIRED)
        call = call_of(approval.run_id, approval.tool_call_id)
        change(call, CallState.REFUSED, answer=EXPIRED)
        current.note(
            EventType.APPROVAL_EXPIRED,
            approval_id=approval_id,
            tool_call_id=call.tool_call_id,
            tool_name=call.tool_name,
            decision=None,
            decided_by=None,
            reason=EXPIRED,
        )
        _resume_when_decided(current, Why.EXPIRED)
        reach(Point.EXPIRE_WRITTEN)
    reach(Point.EXPIRE_COMMITTED)
    return True


def cancel(
    run_id: str, *, requested_by: str, source: str, reason: str, address: str = ""
) -> tuple[RunState, list[str]]:
    """Ends a run by a person's wish, in any state but an end; the worker that holds it is fenced.

    Gives the state it was in and what was stopped, in words. Raises RunGone; IllegalMove when it has ended.
    """
    with entry(run_id) as current:
        before = RunState(current.run.state)
        stopped = _stop_calls(current)
        if before is RunState.RUNNING and not stopped:
            stopped = ["the model call"]
        current.fence()
        current.note(
            EventType.RUN_CANCEL_REQUESTED,
            requested_by=requested_by,
            source=source,
            address=address,
            reason=reason or None,
            stopped=stopped,
        )
        current.end(RunState.CANCELLED, f"cancelled by {requested_by}" + (f": {reason}" if reason else ""))
        _ring_follower(current)
        reach(Point.CANCEL_WRITTEN)
    reach(Point.CANCEL_COMMITTED)
    return before, stopped


def _ring_follower(current: Entry) -> None:
    """The thread is free for its next run; a worker that ends a run looks for it by itself."""
    following = Run.objects.filter(thread_id=current.run.thread_id, state=RunState.QUEUED.value)
    next_id = following.order_by("position").values_list("run_id", flat=True).first()
    if next_id is not None:
        ring_on_commit(next_id)


def _stop_calls(current: Entry) -> list[str]:
    """Settles what a run that is being cancelled leaves open."""
    stopped = []
    pending = Approval.objects.pending().filter(run_id=current.run.run_id).in_order()
    for approval in pending:
        taken = _take(current, approval.approval_id, ApprovalStatus.CANCELLED)
        current.note(
            EventType.APPROVAL_RESOLVED,
            approval_id=taken.approval_id,
            tool_call_id=taken.tool_call_id,
            tool_name=taken.tool_name,
            decision="cancelled",
            decided_by=None,
            reason="the run was cancelled",
            source="system",
        )
    open_calls = ToolCall.objects.filter(run_id=current.run.run_id, finished_at__isnull=True)
    for call in open_calls.exclude(state=CallState.CANCELLED.value).order_by("turn", "position"):
        stopped.append(f"{call.tool_name} {_MOMENT.get(CallState(call.state), 'before it started')}")
        if call.state == CallState.IN_DOUBT:
            continue  # cancelling the run does not settle whether it happened
        change(call, CallState.CANCELLED, finished_at=current.now)
    return stopped


def _run_of(approval_id: str) -> str:
    found = select("SELECT run_id FROM approvals WHERE approval_id = %s", [approval_id])
    if not found:
        raise Approval.DoesNotExist(approval_id)
    return str(found[0][0])


def _take(current: Entry, approval_id: str, status: ApprovalStatus, *, shown: str | None = None) -> Approval:
    """The conditional update: only one caller gets past it. The next event of the entry is the approval's."""
    approval = one(Approval, "approval_id = %s", [approval_id])
    if approval is None:
        raise Approval.DoesNotExist(approval_id)
    if approval.status == ApprovalStatus.PENDING and shown not in (None, approval.digest):
        raise DigestMismatch(approval.digest)
    refs = [*approval.event_refs_json, current.run.last_sequence + 1]
    values = [status.value, db_time(current.now), json.dumps(refs), approval_id, approval.digest]
    if change_rows(_TAKE, values) != 1:
        raise AlreadyDecided(approval.status)
    approval.status, approval.resolved_at, approval.event_refs_json = status.value, current.now, refs
    approval.run = current.run
    return approval


def _record(current: Entry, approval: Approval, verdict: Verdict, before: dict[str, Any] | None) -> None:
    decision = DecisionRecord(
        approval_id=approval.approval_id,
        thread_id=approval.thread_id,
        run_id=approval.run_id,
        tool_call_id=approval.tool_call_id,
        tool_name=approval.tool_name,
        decision=verdict.decision.value,
        decided_by=verdict.decided_by,
        decided_at=current.now,
        source=verdict.source,
        address=verdict.address,
        reason=verdict.reason,
        content=verdict.content,
        arguments_before=before,
        arguments_after=verdict.arguments if verdict.decision is Decision.EDIT else before,
        digest=verdict.digest,
    )
    insert(decision)


def _apply(call: ToolCall, verdict: Verdict) -> None:
    """What the decision does to its call."""
    if verdict.decision is Decision.APPROVE:
        change(call, CallState.GRANTED)
    elif verdict.decision is Decision.EDIT:
        change(
            call,
            CallState.GRANTED,
            arguments_json=canonical.encode(verdict.arguments).decode(),
            digest=canonical.call_digest(call.tool_name, call.tool_version, verdict.arguments),
        )
    elif verdict.decision is Decision.REJECT:
        change(call, CallState.REFUSED, answer=rejection(verdict.reason))
    else:
        change(call, CallState.ANSWERED, answer=verdict.content or "")


def rejection(reason: str) -> str:
    """What the model reads when a person says no: the person's words, unchanged."""
    if reason.strip():
        return f"The reviewer rejected this call. It was not run. Reason: {reason}"
    return "The reviewer rejected this call without giving a reason. It was not run."


def _intent(current: Entry, approval: Approval, verdict: Verdict) -> None:
    intent = RecoveryIntent(
        run_id=approval.run_id,
        thread_id=approval.thread_id,
        approval_id=approval.approval_id,
        saved_at=current.now,
        intent_json={
            "kind": "approval-decision",
            "savedAt": iso(current.now),
            "checkpointRef": approval.checkpoint_ref,
            "resumePayload": {
                "approvalId": approval.approval_id,
                "decision": verdict.decision.value,
                "reason": verdict.reason or None,
                "content": verdict.content,
                "arguments": verdict.arguments,
            },
            "attempts": 0,
        },
    )
    insert(intent)


def _resume_when_decided(current: Entry, reason: str, then: NewRun | None = None) -> None:
    """Queues the run when nothing of its batch is pending any more."""
    pending = select(_PENDING, [current.run.run_id])
    if pending or current.run.state != RunState.WAITING_FOR_APPROVAL:
        return
    if current.run.imported_at is None:
        current.move(RunState.QUEUED, reason)
    elif then is not None:
        go_on(current, then)
