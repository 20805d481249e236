"""`/runs/<id>/waterfall/`: what a run's time went into. Its newest steps stand on the run's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from runtime.models import Event, Run
from runtime.web import steps
from runtime.web.page import PageRequest, page

NEWEST = 120  #: events that the run's page looks at
ROWS_A_PAGE = 400
SHOWN = 40  #: steps on the run's page
KINDS = {
    "model": ("Model", "sparkles"),
    "tool": ("Tools", "wrench"),
    "person": ("Waiting for a person", "hand"),
    "doubt": ("In doubt", "circle-help"),
    "provider": ("Waiting for the provider", "hourglass"),
    "queue": ("Waiting for a worker", "clock"),
}


@page()
def run_waterfall(request: PageRequest, run_id: str) -> HttpResponse:
    """The whole page; `?before=` a sequence: earlier steps."""
    found = get_object_or_404(Run, pk=run_id)
    given = request.GET.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None
    ctx = _context(found, ROWS_A_PAGE, before)
    return render(request, "run/waterfall.html", ctx | {"here": "runs"})


@page()
def run_waterfall_rows(request: PageRequest, run_id: str) -> HttpResponse:
    """The newest steps alone, for a doorbell."""
    return render(request, "run/_waterfall.html", newest(get_object_or_404(Run, pk=run_id)))


def newest(found: Run) -> dict[str, Any]:
    """What the run's page shows of it."""
    ctx = _context(found, NEWEST, None)
    every = ctx["waterfall"].steps
    return ctx | {"shown": every[-SHOWN:], "more": ctx["earlier"] is not None or len(every) > SHOWN}


def _context(found: Run, limit: int, before: int | None) -> dict[str, Any]:
    events = Event.objects.for_waterfall(found.run_id, steps.TYPES, before, limit + 1)
    earlier = events[-limit].get("sequence") if len(events) > limit else None
    drawn = steps.waterfall(events[-limit:], timezone.now())
    return {
        "run": found,
        "waterfall": drawn,
        "shown": drawn.steps,
        "spent": [(*KINDS[kind], kind, drawn.spent_ms[kind]) for kind in KINDS if kind in drawn.spent_ms],
        "earlier": earlier,
    }
