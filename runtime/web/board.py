"""`/`: what runs, what waits, and the form that starts a run."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from runtime import actions
from runtime.models import Approval, Run, ToolCall, Worker
from runtime.upkeep import health
from runtime.upkeep.health import hours
from runtime.web import plots, start
from runtime.web.cards import call_sentence
from runtime.web.health import summary
from runtime.web.page import PageRequest, act, live_context, page
from runtime.web.run import number, stream_grant

LATEST = 12
WAITING = 6
TYPED = 2_000


@page()
def board(request: PageRequest) -> HttpResponse:
    """The whole page."""
    typed = request.GET.get("input", "")[:TYPED]  # an example, chosen without a script
    ctx = {**live_context(), **_live(), **start.form_context(typed), "here": "board"}
    return render(request, "board/board.html", ctx)


@page()
def board_live(request: PageRequest) -> HttpResponse:
    """Numbers and lists, for a doorbell."""
    return render(request, "board/_live.html", _live())


@page()
def live(request: PageRequest) -> HttpResponse:
    """The permission for the stream of doorbells that the board and the lists listen to."""
    return stream_grant(request, kind="inbox", run_id=None, after=number(request.GET.get("after")))


@act("operator")
def start_run(request: PageRequest) -> HttpResponse:
    """Starts a run and goes to its page; what was typed stays when it is refused."""
    typed = request.POST.get("input", "").replace("\r\n", "\n")
    agent = request.POST.get("agent") or None
    try:
        key = start.once(request.POST, typed, agent)
        run = actions.start_run(request.actor, typed, agent=agent, idempotency_key=key)
    except actions.Refused as error:
        if isinstance(error, actions.NotFound):
            raise
        ctx = {**live_context(), **_live(), **start.form_context(typed, agent, error), "here": "board"}
        return render(request, "board/board.html", ctx, status=error.status)
    return HttpResponseRedirect(reverse("run", args=[run.run_id]))


def _live() -> dict[str, Any]:
    now = timezone.now()
    how = health.present(now)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = hours.last_day(how.tallies, now)
    waiting = list(Approval.objects.pending().in_order().select_related("run")[:WAITING])
    calls = ToolCall.objects.in_bulk([approval.tool_call_id for approval in waiting])
    return {
        "counts": Run.objects.all().counts_for_board(today),
        "today": today,
        "oldest_waiting": Run.objects.all().oldest_waiting_since(),
        "day": day,
        "plots": plots.plots(day),
        "workers": Worker.objects.alive(now).count(),
        "health": summary(how),
        "latest": Run.objects.for_list().values(
            "run_id", "title", "state", "agent_id", "updated_at", "requested_by"
        )[:LATEST],
        "waiting": [
            (approval, call_sentence(approval.tool_name, calls[approval.tool_call_id].arguments))
            for approval in waiting
        ],
    }
