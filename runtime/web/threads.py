"""`/threads/`: all conversations, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from runtime.models import Thread, search
from runtime.web import keyset
from runtime.web.page import PageRequest, live_context, page
from runtime.web.runs import clean

COLUMNS = ("thread_id", "title", "status", "entry_agent_id", "run_count", "updated_at", "hold_id")


@page()
def threads(request: PageRequest) -> HttpResponse:
    """The whole page."""
    ctx = {**live_context(), **_rows(request.GET), "here": "threads", "query": request.GET.urlencode()}
    return render(request, "threads/threads.html", ctx)


@page()
def threads_rows(request: PageRequest) -> HttpResponse:
    """The rows alone, for a doorbell."""
    return render(request, "threads/_rows.html", _rows(request.GET))


def _rows(get: Mapping[str, str]) -> dict[str, Any]:
    text = clean(get.get("q"))
    found = Thread.objects.all().with_words(text) if text else Thread.objects.all()
    listed = keyset.read(found, get, moment="updated_at", key="thread_id", columns=COLUMNS)
    return {
        "page": listed,
        "cut": bool(text and listed.rows) and search.is_cut(text),
        "chosen": {"q": text},
        "most_found": search.MOST_RUNS,
        "filtered": bool(text),
    }
