"""The yardstick: the list of runs as one writes it who just wants it done, with model instances and Django's
own tags and filters. What is around the rows is the product's page."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import engines
from django.urls import include, path

from runtime import catalogue
from runtime.lifecycle import RunState
from runtime.models import Event, Run

SIZE = 50
ROWS = """{% for run in runs %}
<li id="r-{{ run.run_id }}" class="with-pick"><label class="pick"><input type="checkbox" name="id"
value="{{ run.run_id }}" form="bulk"><span class="unseen">Select {{ run.title|default:"Run" }}</span></label>
<a class="item run-row" href="{% url 'run' run.run_id %}">
<span class="title one-line">{{ run.title|default:"Run" }}</span><span class="meta">
{% if run.state == "queued" %}<span class="waits">{% if run.fault %}waiting for a provider
{% if run.next_try_at %}, next try in {{ run.next_try_at|timeuntil }}{% endif %}
{% else %}waiting for a slot{% endif %}
</span>{% endif %}<span>{{ run.agent_id }}</span>
{% if run.requested_by %}<span>{{ run.requested_by }}</span>{% endif %}
<span class="tokens">{{ run.output_tokens }} tokens</span></span>
<span class="badge-cell"><span class="state is-{{ run.state }}"><svg class="icon" aria-hidden="true">
<use href="#i-clock"/></svg>{{ run.get_state_display }}</span></span>
<span class="ago"><time datetime="{{ run.updated_at|date:'c' }}"
title="{{ run.updated_at|date:'Y-m-d H:i:s' }} UTC">{{ run.updated_at|timesince }} ago</time></span></a></li>
{% endfor %}"""


@login_required
def plain(request: HttpRequest) -> HttpResponse:
    """The newest runs."""
    newest = Event.objects.order_by("-id").first()
    counts = Run.objects.all().count_progress(time.time(), settings.LEASE_SECONDS)
    ctx = {
        "live": True,
        "live_after": newest.id if newest else 0,
        "page": {"back": "", "next": "?next=there"},
        "rows": [_template().render({"runs": Run.objects.order_by("-updated_at", "-run_id")[:SIZE]})],
        "chosen": {},
        "facets": [(facet, facet.title(), count, f"progress={facet}") for facet, count in counts.items()],
        "here": "runs",
        "states": [state.value for state in RunState],
        "agents": sorted(catalogue.current().workspace.agents),
    }
    return render(request, "runs/runs.html", ctx)


@cache
def _template() -> Any:
    return engines["django"].from_string(ROWS)


urlpatterns = [path("plain/", plain), path("", include("harness_site.urls"))]
