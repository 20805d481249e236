"""`/maintenance/`: what would be removed now and why the rest stays, the last passes, and a pass now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from runtime import actions
from runtime.models import MaintenancePass
from runtime.models.protection import Kept
from runtime.upkeep import maintenance as upkeep
from runtime.web.page import PageRequest, act, page
from runtime.web.tags import thousands
from runtime.workspace import WorkspaceError

PASSES = 30
#: Name of a count → one, many.
WORDS = {
    "texts": ("streamed text", "streamed texts"),
    "chains": ("run's checkpoints", "runs' checkpoints"),
    "checkpoints": ("checkpoint", "checkpoints"),
    "threads": ("thread", "threads"),
    "runs": ("run", "runs"),
    "messages": ("message", "messages"),
    "events": ("event", "events"),
    "artifacts": ("artifact", "artifacts"),
    "decisions": ("old decision", "old decisions"),
    "reveals": ("old reveal", "old reveals"),
    "sign_in_links": ("used sign-in link", "used sign-in links"),
    "sign_in_attempts": ("old sign-in attempt", "old sign-in attempts"),
    "sign_in_failures": ("old failed sign-in", "old failed sign-ins"),
    "sign_ins": ("old sign-in", "old sign-ins"),
    "sessions": ("expired sign-in", "expired sign-ins"),
    "denials": ("old denial", "old denials"),
    "workers": ("old worker's row", "old workers' rows"),
    "passes": ("old pass", "old passes"),
    "health_samples": ("old health sample", "old health samples"),
}
#: Name of a size → what it is of.
SIZES = {
    "text_bytes": "of text",
    "checkpoint_bytes": "of checkpoints",
    "bytes": "of records and artifacts",
    "file_bytes": "given back to the disk",
}
WHY = {
    Kept.HELD: "held by an administrator",
    Kept.ACTIVE: "a run of the thread has not ended",
    Kept.IN_DOUBT: "nobody has said whether a call happened",
    Kept.YOUNG: "not old enough",
    Kept.NEWEST: "among the newest of their threads",
}
#: What stays → one, many.
STAYING = {
    "texts": ("Streamed text of {} run", "Streamed text of {} runs"),
    "chains": ("Checkpoints of {} run", "Checkpoints of {} runs"),
    "threads": ("{} thread", "{} threads"),
}


@page()
def maintenance(request: PageRequest) -> HttpResponse:
    """The whole page."""
    kinds: list[dict[str, Any]] = []
    problem = ""
    try:
        for found in upkeep.overview():
            kind = {**found, "parts": parts(found["found"]), "reasons": reasons(found["kept"])}
            kinds.append(kind | {"policy": upkeep.retention(found["kind"])})
    except WorkspaceError as error:
        problem = str(error)
    passes = [
        {"row": row, "parts": parts(row.done_json), "reasons": reasons(row.kept_json)}
        for row in MaintenancePass.objects.newest()[:PASSES]
    ]
    busy = any(kind["under_way"] or kind["wanted_by"] for kind in kinds)
    ctx = {"here": "maintenance", "kinds": kinds, "passes": passes, "problem": problem, "busy": busy}
    return render(request, "maintenance/maintenance.html", ctx)


@act("administrator")
def maintenance_run(request: PageRequest, kind: str) -> HttpResponse:
    """Lets a worker make a pass now."""
    actions.want_maintenance(request.actor, kind)
    messages.success(request, "A worker begins at once. What it did will stand below.")
    return HttpResponseRedirect(reverse("maintenance"))


def parts(counts: Mapping[str, int]) -> list[str]:
    """What is or would be removed, in words; nothing for what is not there."""
    said = [
        f"{thousands(count)} {WORDS[name][count != 1]}"
        for name, count in counts.items()
        if count and name in WORDS
    ]
    return said + [f"{filesizeformat(counts[name])} {of}" for name, of in SIZES.items() if counts.get(name)]


def reasons(kept: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What stays, and why, in words."""
    return [
        f"{STAYING[what][count != 1].format(thousands(count))}: {WHY[Kept(reason)]}"
        for what, rows in kept.items()
        for reason, count in rows.items()
    ]
