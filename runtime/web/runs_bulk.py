"""`/runs/cancel/` and `/runs/retry/`: one act on many runs. A GET says which and how many, and does nothing;
only the form on it acts, on exactly the runs that it counted.

Ticked runs come as `id=…` in the address; without any, all that match the list's filters are meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from runtime import actions
from runtime.lifecycle import ACTIVE, TERMINAL, RunState
from runtime.models import Run
from runtime.models.base import new_id
from runtime.models.run import RunQuerySet
from runtime.web.page import PageRequest, act, page, safe_next
from runtime.web.runs import NAMES, clean, filters

LISTED = 20  #: runs that the question shows by name
COUNTED = 10_000  #: more are "more than 10 000"


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done, in words, and to which runs."""

    name: str
    verb: str
    done: str
    none: str
    icon: str
    states: frozenset[RunState]  #: that it can be done to
    unless_said: frozenset[RunState]  #: of these, when nothing is ticked and no state chosen


CANCEL = Deed("cancel", "Cancel", "Cancelled", "No run to cancel", "square", ACTIVE, ACTIVE)
_BROKEN = frozenset({RunState.FAILED, RunState.CANCELLED})
RETRY = Deed("retry", "Run again", "Started again", "No run to run again", "rotate-cw", TERMINAL, _BROKEN)


@page()
def runs_cancel(request: PageRequest) -> HttpResponse:
    """Asks whether to cancel them."""
    return _ask(request, CANCEL)


@page()
def runs_retry(request: PageRequest) -> HttpResponse:
    """Asks whether to run them again."""
    return _ask(request, RETRY)


@act("operator")
def runs_cancel_now(request: PageRequest) -> HttpResponse:
    """Cancels those that the question showed."""
    ids, reason = request.POST.get("ids", "").split(), request.POST.get("reason", "").replace("\r\n", "\n")
    return _do(request, CANCEL, lambda: actions.cancel_runs(request.actor, ids, reason))


@act("operator")
def runs_retry_now(request: PageRequest) -> HttpResponse:
    """Runs those again that the question showed."""
    ids, key = request.POST.get("ids", "").split(), clean(request.POST.get("key")) or new_id()
    return _do(request, RETRY, lambda: actions.retry_runs(request.actor, ids, key=key))


def _ask(request: PageRequest, deed: Deed) -> HttpResponse:
    ticked = [clean(run_id) for run_id in request.GET.getlist("id")][: actions.MOST_RUNS]
    asked = filters(request.GET)
    found: RunQuerySet = Run.objects.filter(pk__in=ticked) if ticked else asked.query
    states = deed.states if ticked or asked.chosen["state"] else deed.unless_said
    fitting = found.filter(state__in=[state.value for state in states])
    if deed is RETRY and not ticked:
        fitting = fitting.not_repeated()
    rows = list(
        fitting.order_by("-updated_at", "-run_id").values(
            "run_id", "title", "state", "agent_id", "updated_at"
        )[: actions.MOST_RUNS]
    )
    all_of_them = fitting.order_by()[: COUNTED + 1].count()
    ctx: dict[str, Any] = {
        "here": "runs",
        "deed": deed,
        "rows": rows[:LISTED],
        "unlisted": max(0, len(rows) - LISTED),
        "ids": " ".join(row["run_id"] for row in rows),
        "count": len(rows),
        "matching": all_of_them,
        "beyond": all_of_them > COUNTED,
        "counted": COUNTED,
        "left": max(0, len(ticked) - len(rows)),
        "ticked": bool(ticked),
        "repeated": fitting.count() - fitting.not_repeated().count() if deed is RETRY and ticked else 0,
        "filtered": any(asked.chosen[name] for name in NAMES),
        "problem": asked.problem,
        "key": new_id(),
        "action": reverse(f"runs_{deed.name}_now"),
        "back": reverse("runs") + (f"?{asked.address}" if asked.address else ""),
    }
    return render(request, "runs/bulk.html", ctx, status=422 if asked.problem else 200)


def _do(request: PageRequest, deed: Deed, act_on_them: Callable[[], actions.Outcome]) -> HttpResponse:
    back = HttpResponseRedirect(safe_next(request, reverse("runs")))
    try:
        outcome = act_on_them()
    except actions.Invalid as error:
        messages.error(request, error.detail)
        return back
    if outcome.done:
        messages.success(request, f"{deed.done}: {_runs(len(outcome.done))}.")
    if outcome.refused:
        messages.error(request, f"Left as they are: {_refusals(list(outcome.refused.values()))}")
    if not outcome.done and not outcome.refused:
        messages.error(request, "No run was named; nothing was changed.")
    return back


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


def _refusals(details: Sequence[str], most: int = 3) -> str:
    """ "2 runs (The run is completed already.), 1 run (…)"."""
    counted = Counter(details).most_common()
    said = ", ".join(f"{_runs(count)} ({detail})" for detail, count in counted[:most])
    rest = sum(count for _, count in counted[most:])
    return said + (f", and {_runs(rest)} for other reasons." if rest else ".")
