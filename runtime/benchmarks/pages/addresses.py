"""The pages that are asked for, by name: their addresses in this database."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from runtime.benchmarks.filling.originals import WORD
from runtime.events import iso
from runtime.models import Approval, Run, Thread


def addresses() -> dict[str, str]:
    """Name → address. `_deep`: a page in the middle of all rows."""
    runs, threads = Run.objects.all(), Thread.objects.all()
    asked, decided = Approval.objects.filter(status="pending"), Approval.objects.exclude(status="pending")
    done = runs.filter(approvals__status="approved").order_by("-run_id")
    middle = _middle(runs, "updated_at")
    ended = _middle(runs.filter(state="completed"), "updated_at")
    waiting = asked.order_by("-requested_at")[0]
    word = _word(runs)
    return {
        "runs": "/runs/",
        "plain": "/plain/",
        "runs_deep": f"/runs/?next={_place(middle, 'updated_at')}",
        "runs_back": f"/runs/?back={_place(middle, 'updated_at')}",
        "runs_state": "/runs/?state=completed",
        "runs_state_deep": f"/runs/?state=completed&next={_place(ended, 'updated_at')}",
        "runs_agent": "/runs/?agent=direct",
        "runs_agent_state": "/runs/?agent=direct&state=failed",
        "runs_thread": f"/runs/?thread={middle.thread_id}",
        "runs_until": f"/runs/?until={quote(f'{middle.updated_at:%Y-%m-%dT%H:%M}')}",
        "runs_person": "/runs/?progress=person",
        "runs_provider": "/runs/?progress=provider",
        "runs_slot": "/runs/?progress=slot",
        "runs_moving": "/runs/?progress=moving",
        "runs_lost": "/runs/?progress=lost",
        "runs_doubt": "/runs/?progress=doubt",
        "runs_search": f"/runs/?q={word}",
        "runs_search_common": "/runs/?q=shipped",
        "run_ended": f"/runs/{done[0].pk}/",
        "run_waiting": f"/runs/{waiting.run_id}/",
        "run_events": f"/runs/{done[0].pk}/events/",
        "run_waterfall": f"/runs/{done[0].pk}/waterfall/",
        "approvals": "/approvals/",
        "approvals_deep": f"/approvals/?next={_place(_middle(asked, 'requested_at'), 'requested_at')}",
        "approvals_all": "/approvals/?status=all",
        "approvals_decided": "/approvals/?status=approved",
        "approvals_decided_deep": "/approvals/?status=approved&next="
        + _place(_middle(decided.filter(status="approved"), "requested_at"), "requested_at"),
        "approvals_tool": "/approvals/?tool=write_file",
        "approvals_no_tool": "/approvals/?tool=read_file",
        "approval": f"/approvals/{waiting.pk}/",
        "threads": "/threads/",
        "threads_deep": f"/threads/?next={_place(_middle(threads, 'updated_at'), 'updated_at')}",
        "threads_search": f"/threads/?q={word}",
        "thread": f"/threads/{middle.thread_id}/",
        "doubts": "/doubts/",
        "board": "/",
        "api_runs": "/api/v1/runs",
        "api_approvals": "/api/v1/approvals?status=pending",
    } | _admin()


def _word(runs: QuerySet[Run]) -> str:
    """A word that one run said and no other, so that searches of few and of many find the same."""
    said = runs.filter(state="completed", output__contains=WORD[:-7]).order_by("-updated_at")
    found = re.search(rf"{WORD[:-7]}\d+", said[10].output or "")  # the first ones are the copies' originals
    assert found is not None
    return found[0]


def _admin() -> dict[str, str]:
    found = {}
    for model in apps.get_app_config("runtime").get_models():
        with suppress(NoReverseMatch):  # not in the admin
            name = model._meta.model_name
            found[f"admin_{name}"] = reverse(f"admin:runtime_{name}_changelist")
    return found


def _middle(rows: QuerySet[Any], moment: str) -> Any:
    """The row in the middle of their order."""
    return rows.order_by(moment, "pk")[rows.count() // 2]


def _place(row: Any, moment: str) -> str:
    return quote(f"{iso(getattr(row, moment))}~{row.pk}")
