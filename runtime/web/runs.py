"""`/runs/`: all runs, filtered by the address, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from runtime.lifecycle import RunState
from runtime.models import Run
from runtime.web import keyset
from runtime.web.page import PageRequest, live_context, page
from runtime.web.start import agent_names

COLUMNS = (
    "run_id", "title", "state", "agent_id", "thread_id", "requested_by", "updated_at", "created_at",
    "input_tokens", "output_tokens",
)  # fmt: skip


@page()
def runs(request: PageRequest) -> HttpResponse:
    """The whole page."""
    ctx = {
        **live_context(),
        **_rows(request.GET),
        "here": "runs",
        "states": [state.value for state in RunState],
        "agents": agent_names(),
        "query": request.GET.urlencode(),
    }
    return render(request, "runs/runs.html", ctx)


@page()
def runs_rows(request: PageRequest) -> HttpResponse:
    """The rows alone, for a doorbell."""
    return render(request, "runs/_rows.html", _rows(request.GET))


def _rows(get: Mapping[str, str]) -> dict[str, Any]:
    chosen = {name: clean(get.get(name)) for name in ("state", "agent", "thread", "q")}
    found = Run.objects.all().matching(
        state=chosen["state"] or None,
        agent=chosen["agent"] or None,
        thread=chosen["thread"] or None,
        q=chosen["q"] or None,
    )
    listed = keyset.read(found, get, moment="updated_at", key="run_id", columns=COLUMNS)
    return {"page": listed, "chosen": chosen, "filtered": any(chosen.values())}


def clean(text: str | None) -> str:
    """A filter's value from an address: no NUL, of a sane length."""
    return (text or "").replace("\x00", "").strip()[:200]
