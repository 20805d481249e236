"""`/health/`: every check with its reason and its last day, workers, queue, providers, records."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from runtime.journal.probe import store_bytes
from runtime.models import HealthSample, MaintenancePass, Run, Worker
from runtime.models.maintenance import KINDS
from runtime.models.worker import ALIVE
from runtime.upkeep.health import BY_NAME, Present, present
from runtime.upkeep.health.tallies import faults_of_a_day
from runtime.web import history
from runtime.web.page import PageRequest, page

FAULTS = 20


@page()
def health(request: PageRequest) -> HttpResponse:
    """The whole page."""
    return render(request, "health/health.html", {**_report(), "here": "health"})


@page()
def health_report(request: PageRequest) -> HttpResponse:
    """What changes on it: it asks for it every few seconds."""
    return render(request, "health/_report.html", _report())


def summary(found: Present) -> dict[str, str]:
    """For a line elsewhere: the status of the whole, and why it is not healthy."""
    status = found.report["status"]
    reasons = [check["reason"] for check in found.report["checks"] if _is_why(check, status)]
    return {"status": status, "reason": "" if status == "healthy" else reasons[0]}


def _is_why(check: dict[str, Any], status: str) -> bool:
    return bool(check["critical"]) and check["status"] == status


def _report() -> dict[str, Any]:
    now = timezone.now()
    found = present(now)
    strips = history.strips(HealthSample.objects.for_history(now - history.SPAN), BY_NAME, now)
    return {
        "health": found.report,
        "summary": summary(found),
        "sampled_at": found.sampled_at,
        "whole": strips[history.WHOLE],
        "checks": [
            {**check, "title": BY_NAME[check["name"]].title, "strip": strips[check["name"]]}
            for check in found.report["checks"]
        ],
        "columns": history.COLUMNS,
        "height": history.HEIGHT,
        "workers": [_worker(worker, now) for worker in Worker.objects.for_health(now)],
        "queue": _queue(now),
        "faults": faults_of_a_day(found.tallies)[:FAULTS],
        "files": store_bytes(),
        "disk": shutil.disk_usage(settings.DATA_DIR),
        "passes": {kind: MaintenancePass.objects.last_real(kind) for kind in KINDS},
    }


def _worker(worker: Worker, now: datetime) -> dict[str, Any]:
    if worker.stopped_at:
        state = "lost" if worker.was_lost else "stopped"
    else:
        state = "present" if worker.heartbeat_at >= now - ALIVE else "silent"
    return {"row": worker, "state": state}


def _queue(now: datetime) -> dict[str, Any]:
    alive = Worker.objects.alive(now).values_list("slots", flat=True)
    counts = Run.objects.all().counts_of_active()
    return {
        "queued": counts["queued"],
        "running": counts["running"],
        "slots": sum(alive),
        "since": Run.objects.queued_longest(now),
    }
