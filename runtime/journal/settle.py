"""Settling approvals: a person's decision, a passed deadline, a cancelled run. One winner, one entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runtime import canonical
from runtime.events import EventType, iso
from runtime.journal.calls import change
from runtime.journal.entry import Entry, entry
from runtime.journal.signals import ring_on_commit
from runtime.lifecycle import OUTCOME, ApprovalStatus, CallState, Decision, RunState
from runtime.models import Approval, DecisionRecord, RecoveryIntent, Run, ToolCall

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


def settle(approval_id: str, verdict: Verdict) -> Approval:
    """Records a decision durably; the run is queued when it was the last one waited for.

    Raises Approval.DoesNotExist, RunGone, AlreadyDecided or DigestMismatch; then nothing is written.
    """
    found = Approval.objects.only("run_id").get(pk=approval_id)
    with entry(found.run_id) as current:
        approval = _take(current, approval_id, OUTCOME[verdict.decision], shown=verdict.digest)
        call = approval.tool_call
        before = call.arguments
        _record(current, approval, verdict, before)
        _apply(call, verdict)
        sequence = current.note(
            EventType.APPROVAL_RESOLVED,
            approval_id=approval_id,
            tool_call_id=call.tool_call_id,
            tool_name=call.tool_name,
            decision=verdict.decision.value,
            decided_by=verdict.decided_by,
            reason=verdict.reason or None,
            source=verdict.source,
            address=verdict.address,
        )
        _intent(current, approval, verdict)
        _refer(approval, sequence)
        _resume_when_decided(current, "every tool call is decided")
    return approval


def expire(approval_id: str) -> bool:
    """Settles an approval whose deadline has passed; False when it is not pending or not due."""
    found = Approval.objects.only("run_id").get(pk=approval_id)
    with entry(found.run_id) as current:
        due = Approval.objects.overdue(current.now).filter(pk=approval_id).exists()
        if not due:
            return False
        approval = _take(current, approval_id, ApprovalStatus.EXPIRED)
        call = approval.tool_call
        change(call, CallState.REFUSED, answer=EXPIRED)
        sequence = current.note(
            EventType.APPROVAL_EXPIRED,
            approval_id=approval_id,
            tool_call_id=call.tool_call_id,
            tool_name=call.tool_name,
            decision=None,
            decided_by=None,
            reason=EXPIRED,
        )
        _refer(approval, sequence)
        _resume_when_decided(current, "an approval expired")
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


def _take(current: Entry, approval_id: str, status: ApprovalStatus, *, shown: str | None = None) -> Approval:
    """The conditional update: only one caller gets past it."""
    rows = Approval.objects.pending().filter(pk=approval_id)
    if shown is not None:
        rows = rows.filter(digest=shown)
    won = rows.update(status=status.value, resolved_at=current.now)
    approval = Approval.objects.select_related("tool_call").get(pk=approval_id)
    if won != 1:
        if approval.status != ApprovalStatus.PENDING:
            raise AlreadyDecided(approval.status)
        raise DigestMismatch(approval.digest)
    return approval


def _record(current: Entry, approval: Approval, verdict: Verdict, before: dict[str, Any] | None) -> None:
    DecisionRecord.objects.create(
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
    RecoveryIntent.objects.create(
        run_id=approval.run_id,
        thread_id=approval.thread_id,
        approval=approval,
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


def _refer(approval: Approval, sequence: int) -> None:
    approval.event_refs_json = [*approval.event_refs_json, sequence]
    approval.save(update_fields=["event_refs_json"])


def _resume_when_decided(current: Entry, reason: str) -> None:
    """Queues the run when nothing of its batch is pending any more."""
    pending = Approval.objects.pending().filter(run_id=current.run.run_id).exists()
    if not pending and current.run.state == RunState.WAITING_FOR_APPROVAL:
        current.move(RunState.QUEUED, reason)
