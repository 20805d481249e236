"""`/threads/<id>/`: the conversation across runs, the run under way live, and the next message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from runtime import actions
from runtime.models import Event, Run, Thread
from runtime.web import start, transcript
from runtime.web.maintenance import parts
from runtime.web.page import PageRequest, act, page
from runtime.web.run import number

RUNS = 12


@page()
def thread(request: PageRequest, thread_id: str) -> HttpResponse:
    """The whole page: the newest runs, or with `?before=` a run's number in the thread, those before it."""
    found = get_object_or_404(Thread.objects.select_related("hold"), pk=thread_id)
    return render(
        request, "thread/thread.html", _context(found, request.GET.get("before")) | start.form_context()
    )


@page()
def thread_talk(request: PageRequest, thread_id: str) -> HttpResponse:
    """The conversation alone."""
    found = get_object_or_404(Thread, pk=thread_id)
    return render(request, "thread/_talk.html", _context(found, request.GET.get("before")))


@act("operator")
def thread_send(request: PageRequest, thread_id: str) -> HttpResponse:
    """Sends the next message, also while a run of the thread is under way or waits: the new one queues."""
    found = get_object_or_404(Thread, pk=thread_id)
    typed = request.POST.get("input", "").replace("\r\n", "\n")
    agent = request.POST.get("agent") or None
    try:
        key = start.once(request.POST, typed, agent, thread_id)
        actions.start_run(request.actor, typed, agent=agent, thread_id=thread_id, idempotency_key=key)
    except actions.Refused as error:
        if isinstance(error, actions.NotFound):
            raise
        ctx = _context(found) | start.form_context(typed, agent, error)
        return render(request, "thread/thread.html", ctx, status=error.status)
    return HttpResponseRedirect(reverse("thread", args=[thread_id]) + "#end")


@act("administrator")
def thread_hold(request: PageRequest, thread_id: str) -> HttpResponse:
    """Forbids its deletion."""
    return _acted(
        request,
        thread_id,
        lambda: actions.hold_thread(request.actor, thread_id, request.POST.get("reason", "")),
    )


@act("administrator")
def thread_lift(request: PageRequest, thread_id: str) -> HttpResponse:
    """Allows its deletion again."""
    return _acted(request, thread_id, lambda: actions.lift_hold(request.actor, thread_id))


def _acted(request: PageRequest, thread_id: str, do: Callable[[], None]) -> HttpResponse:
    try:
        do()
    except (actions.Conflict, actions.Invalid) as error:
        messages.error(request, error.detail)
    return HttpResponseRedirect(reverse("thread", args=[thread_id]) + "#end")


@page()
def thread_remove(request: PageRequest, thread_id: str) -> HttpResponse:
    """The question before the deletion: what would go. A page of its own, since all of the thread is read
    for it."""
    found = get_object_or_404(Thread.objects.select_related("hold"), pk=thread_id)
    ctx = {
        "thread": found,
        "here": "threads",
        "back": reverse("thread", args=[thread_id]),
        "belongings": [] if found.hold else _belongings(found),
    }
    return render(request, "thread/remove.html", ctx)


@act("operator")
def thread_delete(request: PageRequest, thread_id: str) -> HttpResponse:
    """Deletes the thread with everything that belongs to it, then to the list."""
    try:
        actions.delete_thread(request.actor, thread_id)
    except actions.Conflict as error:
        messages.error(request, error.detail)
        return HttpResponseRedirect(reverse("thread", args=[thread_id]) + "#end")
    messages.success(request, "The thread is deleted.")
    return HttpResponseRedirect(reverse("threads"))


def _context(found: Thread, before: str | None = None) -> dict[str, Any]:
    live_after = Event.objects.newest_id()  # first: what comes after it rings
    newest = Run.objects.filter(thread_id=found.thread_id).order_by("-position")
    end = number(before) or None
    runs = list(reversed((newest if end is None else newest.filter(position__lt=end))[:RUNS]))
    under_way = next((run for run in runs if not run.is_terminal), None)
    return {
        "thread": found,
        "here": "threads",
        "talks": _talks(runs),
        "before": end,
        "left_out": runs[0].position - 1 if runs else 0,
        "earlier_than": runs[0].position if runs else 0,
        "under_way": under_way,
        "live_after": live_after,
        "back": reverse("thread", args=[found.thread_id]),
    }


def _talks(runs: list[Run]) -> list[transcript.Transcript]:
    """The newest take what room there is."""
    room = transcript.Room()
    return [transcript.of_run(run, room) for run in reversed(runs)][::-1]


def _belongings(found: Thread) -> list[str]:
    """What goes with the thread, in words."""
    counts = Thread.objects.filter(pk=found.pk).belongings()
    return parts({name: count for name, count in counts.items() if name != "threads"})
