"""`/runs/<id>/`: one run, live. The page is whole at any moment; its two halves are fragments."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from runtime import actions, viewing
from runtime.models import Approval, Artifact, Event, Run, ThreadMessage, ToolCall
from runtime.models.base import new_id
from runtime.upkeep import last_good
from runtime.upkeep.causes import diagnoses
from runtime.web import acts, cards, start, transcript, waterfall
from runtime.web.page import PageRequest, act, not_kept, page, safe_next
from runtime.web.rows import render_row

ROWS = 60
ROWS_A_PAGE = 200
LONGEST_SENTENCE = 600  #: that a diagnosis makes of an error


@page()
def run(request: PageRequest, run_id: str) -> HttpResponse:
    """The whole page."""
    found = _run(run_id)
    seen = transcript.of_run(found, before=number(request.GET.get("before")))
    rows = Event.objects.latest_rows(run_id, seen.sequence, ROWS)
    ctx = {
        **panel_context(request, found, seen),
        **waterfall.newest(found),
        "here": "runs",
        "rows": [render_row(event) for event in rows],
        "why_is_beside": _is_beside(found),
        "watch": not found.is_terminal and not seen.before,
        "back": reverse("run", args=[run_id]),
    }
    return render(request, "run/run.html", ctx)


@page()
def run_panel(request: PageRequest, run_id: str) -> HttpResponse:
    """State, acts and facts: the side of the page."""
    found = _run(run_id)
    seen = transcript.of_run(found, transcript.Room(0))
    return render(request, "run/_panel.html", panel_context(request, found, seen))


@page()
def run_transcript(request: PageRequest, run_id: str) -> HttpResponse:
    """The messages and calls, as of the sequence that the fragment carries."""
    found = _run(run_id)
    ctx = {
        "run": found,
        "transcript": transcript.of_run(found, before=number(request.GET.get("before"))),
        "why_is_beside": _is_beside(found),
        "back": reverse("run", args=[run_id]),
    }
    return render(request, "run/_transcript.html", ctx)


@page()
def run_events(request: PageRequest, run_id: str) -> HttpResponse:
    """Every event, with streamed text, in pages."""
    found = _run(run_id)
    after = number(request.GET.get("after"))
    events = list(Event.objects.of_run(run_id, after)[: ROWS_A_PAGE + 1])
    more = len(events) > ROWS_A_PAGE
    shown = events[:ROWS_A_PAGE]
    ctx = {
        "run": found,
        "here": "runs",
        "rows": [render_row(event.body) for event in shown],
        "earlier": max(0, after - ROWS_A_PAGE) if after else None,
        "later": shown[-1].sequence if more else None,
    }
    return render(request, "run/events.html", ctx)


@page()
def run_call(request: PageRequest, run_id: str, call_id: str) -> HttpResponse:
    """One tool call, whole: arguments and result without any cut."""
    call = get_object_or_404(ToolCall.objects.select_related("run"), pk=call_id, run_id=run_id)
    card = cards.of_calls([call])[0]
    return render(request, "run/call.html", {"run": call.run, "here": "runs", "card": card})


@act("operator", "reviewer")
def run_call_reveal(request: PageRequest, run_id: str, call_id: str) -> HttpResponse:
    """The call with nothing masked, in this answer alone; who asked for it is recorded first."""
    call = get_object_or_404(ToolCall.objects.select_related("run"), pk=call_id, run_id=run_id)
    actions.reveal(request.actor, call.pk)
    card = cards.of_calls([call], revealed=True)[0]
    return not_kept(render(request, "run/call.html", {"run": call.run, "here": "runs", "card": card}))


@page()
def run_message(request: PageRequest, run_id: str, message_id: str) -> HttpResponse:
    """One message, whole and plain."""
    said = ThreadMessage.objects.filter(run_id=run_id, role__in=transcript.SPEAKERS).select_related("run")
    message = get_object_or_404(said, pk=number(message_id))
    return render(request, "run/message.html", {"run": message.run, "here": "runs", "message": message})


@page()
def run_stream(request: PageRequest, run_id: str) -> HttpResponse:
    """The permission for the page's stream; `runtime.web.live` serves it."""
    _run(run_id)
    after = number(request.headers.get("Last-Event-ID") or request.GET.get("after"))
    return stream_grant(request, kind="run", run_id=run_id, after=after)


@page()
def artifact(request: PageRequest, run_id: str, artifact_id: str) -> HttpResponse | FileResponse:
    """A file that the run kept, always as a download with a type that no browser shows."""
    found = get_object_or_404(Artifact, pk=artifact_id, run_id=run_id)
    try:
        content = found.open()
    except OSError as error:
        raise Http404 from error
    name, kind = found.download_name, "application/octet-stream"
    return FileResponse(content, as_attachment=True, filename=name, content_type=kind)


@act("operator")
def run_cancel(request: PageRequest, run_id: str) -> HttpResponse:
    """Cancels, then back to the run."""
    try:
        actions.cancel_run(request.actor, run_id, request.POST.get("reason", ""))
    except (actions.Conflict, actions.Invalid) as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "Cancelled. No further tool starts.")
    return HttpResponseRedirect(reverse("run", args=[run_id]))


@act("operator")
def run_retry(request: PageRequest, run_id: str) -> HttpResponse:
    """Starts the same request again in the same thread, then to the new run."""
    try:
        key = start.once(request.POST, run_id)
        again = actions.retry_run(request.actor, run_id, idempotency_key=key)
    except (actions.Conflict, actions.NoWorkspace) as error:
        messages.error(request, error.detail)
        return HttpResponseRedirect(reverse("run", args=[run_id]))
    return HttpResponseRedirect(reverse("run", args=[again.run_id]))


@act("operator")
def run_resolve(request: PageRequest, run_id: str) -> HttpResponse:
    """Says whether the call in doubt happened."""
    result = request.POST.get("result", "").replace("\r\n", "\n")
    outcome = request.POST.get("outcome", "")
    try:
        run = actions.resolve_run(request.actor, run_id, outcome, result if outcome == "happened" else None)
    except (actions.Conflict, actions.Invalid, actions.NoWorkspace) as error:
        messages.error(request, error.detail)
    else:
        asked = "A new decision about the call is asked for."
        said = asked if outcome == "did_not_happen" else "The run goes on from what you said."
        if run.is_terminal:
            said = "The run has ended and stays so."
        asked_anew = Approval.objects.pending().filter(run_id=run_id).in_order().last()
        link = reverse("approval", args=[asked_anew.pk]) if asked_anew else ""
        messages.success(request, f"Noted. {said}", extra_tags=link)
    return HttpResponseRedirect(safe_next(request, reverse("run", args=[run_id])))


def stream_grant(request: PageRequest, **grant: Any) -> HttpResponse:
    """An empty answer whose header hands the connection to the live feed."""
    header = json.dumps({**grant, "viewer": viewing.viewer(request, request.actor)})
    return HttpResponse(headers={"X-Harness-Stream": header}, content_type="text/event-stream")


def panel_context(request: PageRequest, found: Run, seen: transcript.Transcript) -> dict[str, Any]:
    """What the side of the page shows."""
    said = diagnoses([found])[found.run_id]
    return {
        "run": found,
        "transcript": seen,
        "diagnosis": said,
        "key": new_id(),
        "limits": last_good.current().limits,
        "next_act": acts.button(found, said, request.actor, asked=seen.asked, call_id=seen.waits_at),
    }


def _is_beside(found: Run) -> bool:
    """Whether the panel's sentence says all of the error; it is one line and not of any length."""
    return len(found.error or "") <= LONGEST_SENTENCE and "\n" not in (found.error or "")


def _run(run_id: str) -> Run:
    return get_object_or_404(Run.objects.select_related("thread"), pk=run_id)


def number(text: str | None) -> int:
    """A place in a list of events from an address; 0 for anything that is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
