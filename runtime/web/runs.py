"""`/runs/`: all runs, filtered by the address, in pages. The progress facet says what each waits for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from runtime.diagnosis import progress
from runtime.lifecycle import RunState
from runtime.models import Run, search
from runtime.models.run import RunQuerySet
from runtime.web import keyset
from runtime.web.page import PageRequest, live_context, page
from runtime.web.run_row import COLUMNS, FACETS, run_row
from runtime.web.start import agent_names

NAMES = ("state", "agent", "thread", "q", "progress", "since", "until")
KNOWN = {
    "state": [state.value for state in RunState],
    "progress": [facet.value for facet in FACETS],
}


@page()
def runs(request: PageRequest) -> HttpResponse:
    """The whole page."""
    ctx = {
        **live_context(),
        **_rows(request),
        "here": "runs",
        "states": KNOWN["state"],
        "agents": agent_names(),
        "query": request.GET.urlencode(),
    }
    return render(request, "runs/runs.html", ctx)


@page()
def runs_rows(request: PageRequest) -> HttpResponse:
    """Facets and rows alone, for a doorbell."""
    return render(request, "runs/_rows.html", _rows(request))


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; `problem`: what of it cannot be read, as a sentence."""

    chosen: Mapping[str, str]
    query: RunQuerySet
    problem: str = ""

    @property
    def address(self) -> str:
        """The filters as the query of an address, without the place in the list."""
        return urlencode({name: value for name, value in self.chosen.items() if value})


def filters(get: Mapping[str, str]) -> Filters:
    """The runs that the address asks for."""
    chosen = {name: clean(get.get(name)) for name in NAMES}
    if _never_meet(chosen["state"], chosen["progress"]):
        chosen["progress"] = ""  # a chip from before: the state was chosen after it
    since, until = moment(chosen["since"]), moment(chosen["until"])
    wrong = [n for n, found in (("since", since), ("until", until)) if chosen[n] and found is None]
    unknown = [n for n, known in KNOWN.items() if chosen[n] and chosen[n] not in known]
    found = Run.objects.all().matching(
        state=chosen["state"] or None,
        agent=chosen["agent"] or None,
        thread=chosen["thread"] or None,
        since=since,
        until=until,
        q=chosen["q"] or None,
    )
    if chosen["progress"]:
        found = found.in_progress(chosen["progress"], time.time(), settings.LEASE_SECONDS)
    crossed = since is not None and until is not None and since >= until
    return Filters(chosen, found, _problem(wrong, unknown, crossed))


def _never_meet(state: str, facet: str) -> bool:
    """Whether no run in this state, whatever else is true of it, is in this facet."""
    if state not in KNOWN["state"] or facet not in KNOWN["progress"]:
        return False
    return all(
        progress(state, fault=fault, lease_until=lease, now=1, lease_seconds=1) != facet
        for fault in ("", "any")
        for lease in (0, 2)
    )


def _problem(wrong: Sequence[str], unknown: Sequence[str], crossed: bool) -> str:
    """What of the address cannot be read, if anything: times, and words of which there are a few."""
    if wrong:
        return f"{wrong[0].capitalize()} is no time; write it like 2026-03-01T14:30 (UTC)."
    if unknown:
        return f"There is no such {unknown[0]}; there are {', '.join(KNOWN[unknown[0]])}."
    if crossed:
        return "Since lies after until: no run fits."
    return ""


def _rows(request: PageRequest) -> dict[str, Any]:
    asked = filters(request.GET)
    listed = keyset.read(asked.query, request.GET, moment="updated_at", key="run_id", columns=COLUMNS)
    now, pick = timezone.now(), request.actor.may("operator")
    return {
        "page": listed,
        "rows": [run_row(row, now, settings.LEASE_SECONDS, pick=pick) for row in listed.rows],
        "chosen": asked.chosen,
        "most_found": search.MOST_RUNS,
        "cut": bool(asked.chosen["q"] and listed.rows) and search.is_cut(asked.chosen["q"]),
        "problem": asked.problem,
        "filtered": any(asked.chosen.values()),
        "filter_address": asked.address,
        "facets": _facets(asked),
    }


def _facets(asked: Filters) -> list[tuple[str, str, int, str]]:
    """Of each facet: its name, its words, how many runs of all are in it, and the address that shows them."""
    counts = Run.objects.all().count_progress(time.time(), settings.LEASE_SECONDS)
    kept = {
        name: value for name, value in asked.chosen.items() if value and name not in ("progress", "state")
    }
    return [
        (facet.value, words, counts[facet], urlencode({**kept, "progress": facet.value}))
        for facet, words in FACETS.items()
    ]


def clean(text: str | None) -> str:
    """A filter's value from an address: no NUL, of a sane length."""
    return (text or "").replace("\x00", "").strip()[:200]


def moment(text: str) -> datetime | None:
    """A time from an address, UTC unless it says otherwise; None for anything that is none."""
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        # PostgreSQL knows no zone beyond 16 hours.
        return found.astimezone(UTC) if keyset.EARLIEST <= found <= keyset.LATEST else None
    except (ValueError, OverflowError):
        return None
