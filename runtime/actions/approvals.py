"""What people do to approvals: decide."""

from __future__ import annotations

from typing import Any

from runtime import catalogue, gate, journal
from runtime.access import Actor
from runtime.actions.checks import json_object, need, present, text
from runtime.actions.errors import Conflict, Invalid, NotFound
from runtime.actions.runs import continuation
from runtime.events import iso
from runtime.lifecycle import ApprovalStatus, Decision
from runtime.models import Approval, DecisionRecord, Event, RunRequest, ToolCall
from runtime.models.rows import one, select
from runtime.tools import check_arguments

MAX_REASON_BYTES = 20_000
MAX_CONTENT_BYTES = 200_000


def decide_approval(
    actor: Actor,
    approval_id: str,
    decision: str,
    digest: str,
    *,
    arguments: dict[str, Any] | None = None,
    reason: str | None = None,
    content: str | None = None,
) -> Approval:
    """Settles an approval. `digest` is that of what the person was shown.

    Conflict when it is decided already (`extra["winner"]`) or the digest is not the present one;
    Invalid when the decision is not allowed, or an edit breaks the schema or a rule.
    """
    need(actor, "reviewer")
    approval = _read(approval_id)
    if approval.status != ApprovalStatus.PENDING:
        raise already_decided(approval)
    verdict = journal.Verdict(
        decision=_decision(approval, decision),
        digest=_digest(approval, digest),
        decided_by=actor.name,
        source=actor.source,
        address=actor.address,
        reason=text("reason", reason, most_bytes=MAX_REASON_BYTES, required=False),
        content=_content(decision, content),
        arguments=_arguments(approval, decision, arguments),
    )
    then = continuation(actor, approval.run) if _is_imported(approval) else None
    try:
        return journal.settle(approval_id, verdict, then=then)
    except (Approval.DoesNotExist, journal.RunGone) as error:
        raise NotFound(f"There is no approval {approval_id}.") from error
    except journal.AlreadyDecided as error:
        raise already_decided(_read(approval_id)) from error
    except journal.DigestMismatch as error:
        raise _changed() from error


def _read(approval_id: str) -> Approval:
    approval = one(Approval, "approval_id = %s", [approval_id])
    if approval is None:
        raise NotFound(f"There is no approval {str(approval_id)[:80]}.")
    return approval


def already_decided(approval: Approval) -> Conflict:
    """The refusal that names the winner: who, when, what."""
    winner = DecisionRecord.objects.filter(approval_id=approval.approval_id).order_by("id").last()
    if winner is None:
        return _settled(approval)
    return Conflict(
        f"{winner.decided_by} decided {winner.decision} at {iso(winner.decided_at)}.",
        extra={
            "approval_status": approval.status,
            "winner": {
                "decision": winner.decision,
                "decided_by": winner.decided_by,
                "decided_at": iso(winner.decided_at),
                "reason": winner.reason or None,
            },
        },
    )


def _settled(approval: Approval) -> Conflict:
    """By nobody's decision: its deadline passed, or its run was cancelled."""
    when = iso(approval.resolved_at) if approval.resolved_at else None
    winner = {"decision": approval.status, "decided_at": when}
    said = f"The approval is {approval.status} already."
    if approval.status == ApprovalStatus.CANCELLED and (who := Event.objects.cancelled_by(approval.run_id)):
        winner["decided_by"] = who
        said = f"The approval is cancelled already: {who} cancelled the run at {when}."
    return Conflict(said, extra={"approval_status": approval.status, "winner": winner})


def _is_imported(approval: Approval) -> bool:
    return bool(select("SELECT 1 FROM runs WHERE run_id = %s AND imported_at IS NOT NULL", [approval.run_id]))


def _decision(approval: Approval, decision: Any) -> Decision:
    known = [d.value for d in Decision]
    if decision not in known:
        raise Invalid.field("decision", f"decision must be one of {', '.join(known)}.")
    if decision not in approval.allowed_decisions_json:
        allowed = ", ".join(approval.allowed_decisions_json)
        raise Invalid.field("decision", f"{decision} is not allowed here; allowed: {allowed}.")
    return Decision(decision)


def _digest(approval: Approval, digest: Any) -> str:
    if not isinstance(digest, str) or not digest:
        raise Invalid.field("digest", "digest is missing: send back the digest of what was shown.")
    if digest != approval.digest:
        raise _changed()
    return digest


def _changed() -> Conflict:
    return Conflict("The digest is not that of the present call: look at it again before deciding.")


def _content(decision: str, content: Any) -> str | None:
    if decision != Decision.RESPOND:
        if content is not None:
            raise Invalid.field("content", "content goes with respond only.")
        return None
    return text("content", content, most_bytes=MAX_CONTENT_BYTES)


def _arguments(approval: Approval, decision: str, arguments: Any) -> dict[str, Any] | None:
    """The edit, checked against the tool's schema and the run's rules as any call is."""
    if decision != Decision.EDIT:
        if arguments is not None:
            raise Invalid.field("arguments", "arguments go with edit only.")
        return None
    edited = json_object("arguments", arguments)
    if _is_imported(approval):
        return edited  # told to the agent; what it then calls is checked and asked about as any call
    asked = RunRequest.objects.filter(pk=approval.run_id).first()
    if asked is None:
        raise NotFound(f"There is no approval {approval.approval_id} any more.")
    agent = present().bind(asked.resolved_json)
    tool = agent.tools.get(approval.tool_name)
    if tool is None:
        raise Conflict(f"The tool {approval.tool_name} is not available any more.")
    problems = check_arguments(tool, edited)
    if problems:
        raise Invalid(
            "The arguments break the tool's schema: " + problems[0], errors={"arguments": " ".join(problems)}
        )
    call = gate.Call(tool=tool.name, read_only=tool.read_only, agent=approval.agent_id, arguments=edited)
    verdict = gate.judge(call, agent.rules)
    if verdict.action == "deny":
        why = f" ({verdict.reason})" if verdict.reason else ""
        raise Invalid.field("arguments", f"The rule {verdict.rule!r} forbids this call{why}.")
    if verdict.action == "ask" and not {Decision.APPROVE, Decision.EDIT} & set(verdict.allowed_decisions):
        raise Invalid.field("arguments", f"The rule {verdict.rule!r} lets nobody approve this call.")
    if failure := _failure(approval, edited):
        raise Invalid.field("arguments", f"The edited call would fail: {failure}")
    return edited


def _failure(approval: Approval, edited: dict[str, Any]) -> str:
    """Why the edit must fail, as far as that can be said: a call before it may yet change the files."""
    call = approval.tool_call
    before = ToolCall.objects.filter(run_id=call.run_id, turn=call.turn, position__lt=call.position)
    if before.filter(finished_at__isnull=True).exists():
        return ""
    seen = catalogue.preview(approval.tool_name, approval.thread.folder / "files", edited)
    return seen.note if seen and seen.fails else ""
