"""`/approvals/`: what waits for a decision, oldest first; decided ones by filter, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from runtime.lifecycle import ApprovalStatus
from runtime.models import Approval, ToolCall
from runtime.web import keyset
from runtime.web.cards import row_sentence
from runtime.web.page import PageRequest, live_context, page
from runtime.web.runs import clean

COLUMNS = (
    "approval_id", "status", "tool_name", "agent_id", "run_id", "run__title", "run__imported_at",
    "requested_at", "resolved_at", "expires_at", "rule", "tool_call_id",
)  # fmt: skip
STATUSES = (*(status.value for status in ApprovalStatus), "all")


@page()
def approvals(request: PageRequest) -> HttpResponse:
    """The whole page."""
    ctx = {
        **live_context(),
        **_rows(request.GET),
        "here": "approvals",
        "statuses": STATUSES[:-1],
        "query": request.GET.urlencode(),
    }
    return render(request, "approvals/approvals.html", ctx)


@page()
def approvals_rows(request: PageRequest) -> HttpResponse:
    """The rows alone, for a doorbell."""
    return render(request, "approvals/_rows.html", _rows(request.GET))


@page()
def pending_count(request: PageRequest) -> HttpResponse:
    """The numbers in the navigation: what waits for a decision, what is in doubt."""
    return render(request, "base/_counts.html")


def _rows(get: Mapping[str, str]) -> dict[str, Any]:
    chosen = {name: clean(get.get(name)) for name in ("status", "tool", "run")}
    status = chosen["status"] or ApprovalStatus.PENDING.value
    found = Approval.objects.all().matching(
        status=None if status == "all" else status, tool=chosen["tool"] or None, run=chosen["run"] or None
    )
    listed = keyset.read(
        found,
        get,
        moment="requested_at",
        key="approval_id",
        columns=COLUMNS,
        oldest_first=status == ApprovalStatus.PENDING,
    )
    calls = ToolCall.objects.in_bulk([row["tool_call_id"] for row in listed.rows])
    for row in listed.rows:
        row["waits_since"] = max(row["requested_at"], row["run__imported_at"] or row["requested_at"])
        row["sentence"] = row_sentence(calls[row["tool_call_id"]])
    return {
        "page": listed,
        "chosen": chosen | {"status": status},
        "filtered": bool(chosen["tool"] or chosen["run"]) or status != ApprovalStatus.PENDING,
        "problem": "" if status in STATUSES else f"There is no such status; there are {', '.join(STATUSES)}.",
    }
