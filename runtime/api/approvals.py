"""`/approvals`: list, read, decide one, decide many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from runtime import actions
from runtime.api import paging
from runtime.api.auth import Needs, actor
from runtime.api.decisions import DecideApproval, DecideMany, ManyResults, decide_each
from runtime.api.fields import RecordId, Time
from runtime.api.paging import Page, Paged
from runtime.api.problems import Problem
from runtime.api.runs import find
from runtime.api.strict import Id, Name, Query
from runtime.lifecycle import ApprovalStatus
from runtime.models import Approval, DecisionRecord
from runtime.models.rows import every, one

router = Router(tags=["approvals"])


class DecisionMade(BaseModel):
    """Who decided what, when and why."""

    decision: str
    decided_by: str
    decided_at: Time
    source: str = Field(description="page, api, command or system")
    reason: str | None
    content: str | None = Field(description="The answer that stands in for the tool's result.")
    arguments_before: Any
    arguments_after: Any


class ApprovalRecord(BaseModel):
    """A person is asked about one tool call."""

    approval_id: RecordId
    pending_action_id: RecordId
    thread_id: RecordId
    run_id: RecordId
    agent_id: str
    tool_call_id: RecordId
    tool_name: str
    status: ApprovalStatus
    requested_at: Time
    resolved_at: Time | None
    expires_at: Time | None
    allowed_decisions: list[str]
    arguments: Any = Field(description="What would run, as the model asked for it.")
    arguments_schema: dict[str, Any] = Field(description="JSON schema that an edit must meet.")
    digest: str = Field(description="Of tool, version and arguments; a decision sends it back.")
    rule: str = Field(description="The rule that asks for a decision.")
    rule_reason: str | None
    checkpoint_ref: str
    event_refs: list[int] = Field(description="Sequences of its events.")
    decisions: list[DecisionMade]
    note: str | None = Field(description="What has to be known before deciding.")


_COMPUTED = {
    "allowed_decisions",
    "arguments",
    "arguments_schema",
    "rule_reason",
    "event_refs",
    "decisions",
    "note",
}
COLUMNS = tuple(ApprovalRecord.model_fields.keys() - _COMPUTED)


class ApprovalFilters(Paged):
    status: ApprovalStatus | None = None
    run: Id | None = None
    thread: Id | None = None
    tool: Name | None = None
    agent: Name | None = None


@router.get("", response=Page[ApprovalRecord], summary="List approvals")
def list_approvals(request: HttpRequest, filters: Annotated[ApprovalFilters, Query()]) -> Any:
    """The one that was requested first comes first."""
    given = filters.model_dump(exclude={"limit", "cursor"})
    rows = (
        Approval.objects.matching(**given)
        .select_related("run")
        .defer("run__output", "run__error")
        .in_order(paging.position("approvals", filters.cursor))
    )
    found = list(rows[: filters.limit + 1])
    decisions = _decisions_of(found)
    return paging.page(
        found,
        filters.limit,
        lambda row: _show(row, decisions[row.approval_id]),
        lambda row: paging.after("approvals", row.requested_at, row.approval_id),
    )


@router.post("/decisions", auth=Needs("reviewer"), response=ManyResults, summary="Decide several approvals")
def decide_many(request: HttpRequest, body: DecideMany) -> dict[str, Any]:
    """Each item is decided on its own and has its own result, in the order given. A call that cannot be
    undone is approved or edited by itself only: here that is 422."""
    return {"items": decide_each(actor(request), body.items)}


@router.get("/{approval_id}", response=ApprovalRecord, summary="Read an approval")
def read_approval(request: HttpRequest, approval_id: Id) -> dict[str, Any]:
    approval = one(Approval, "approval_id = %s", [approval_id])
    if approval is None:
        raise Problem(404, f"There is no approval {approval_id}.")
    approval.run = find(approval.run_id)
    return _show_one(approval)


@router.post(
    "/{approval_id}/decision", auth=Needs("reviewer"), response=ApprovalRecord, summary="Decide an approval"
)
def decide(request: HttpRequest, approval_id: Id, body: DecideApproval) -> dict[str, Any]:
    """One decision wins; any other gets 409 with `winner`. The digest says what the decision is about."""
    approval = actions.decide_approval(
        actor(request),
        approval_id,
        body.decision,
        body.digest,
        arguments=body.arguments,
        reason=body.reason,
        content=body.content,
    )
    return _show_one(approval)


def _decisions_of(approvals: Iterable[Approval]) -> dict[str, list[DecisionRecord]]:
    found: dict[str, list[DecisionRecord]] = defaultdict(list)
    ids = [approval.approval_id for approval in approvals]
    for row in DecisionRecord.objects.filter(approval_id__in=ids).order_by("id"):
        found[row.approval_id].append(row)
    return found


def _show_one(approval: Approval) -> dict[str, Any]:
    decisions = every(DecisionRecord, "approval_id = %s ORDER BY id", [approval.approval_id])
    return _show(approval, decisions)


def _show(row: Approval, decisions: list[DecisionRecord]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in COLUMNS}
    return values | {
        "allowed_decisions": row.allowed_decisions_json,
        "arguments": row.input_preview_json,
        "arguments_schema": row.arguments_schema_json,
        "rule_reason": row.rule_reason or None,
        "event_refs": row.event_refs_json,
        "decisions": [_show_decision(decision) for decision in decisions],
        "note": row.run.note or None,
    }


def _show_decision(row: DecisionRecord) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in DecisionMade.model_fields}
    return values | {"reason": row.reason or None}
