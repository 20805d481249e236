"""`/doubts/`: calls that a crash left in doubt, the oldest first, with the form that settles each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from runtime.lifecycle import CallState, RunState
from runtime.models import Run, ToolCall
from runtime.web import cards, keyset
from runtime.web.page import PageRequest, live_context, page

SIZE = 10  #: each stands there with its arguments
COLUMNS = ("run_id", "title", "agent_id", "state_entered_at", "updated_at", "requested_by")


@page()
def doubts(request: PageRequest) -> HttpResponse:
    """The whole page."""
    ctx = {
        **live_context(),
        **_rows(request.GET),
        "here": "doubts",
        "query": request.GET.urlencode(),
    }
    return render(request, "doubts/doubts.html", ctx)


@page()
def doubts_rows(request: PageRequest) -> HttpResponse:
    """The cards alone, for a doorbell."""
    return render(request, "doubts/_rows.html", _rows(request.GET))


def _rows(get: Mapping[str, str]) -> dict[str, Any]:
    waiting = Run.objects.filter(state=RunState.IN_DOUBT.value)
    listed = keyset.read(
        waiting, get, moment="updated_at", key="run_id", columns=COLUMNS, oldest_first=True, size=SIZE
    )
    ids = [row["run_id"] for row in listed.rows]
    calls = ToolCall.objects.filter(run_id__in=ids, state=CallState.IN_DOUBT.value).select_related("run")
    card_of = {
        card.call.run_id: card for card in cards.of_calls(calls.order_by("-turn", "-position"), inline=True)
    }
    return {
        "page": listed,
        "doubts": [(row, card_of.get(row["run_id"])) for row in listed.rows],
        "back": reverse("doubts"),
    }
