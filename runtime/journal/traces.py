"""Traces of the past that nobody needs any more: found as querysets, so that counting them and removing them
is the same; removed in small batches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, QuerySet

from runtime.journal.transaction import unit
from runtime.models import DecisionRecord, Denial, MaintenancePass, Reveal, SignInLink, Thread, Worker


def old_decisions(before: datetime) -> QuerySet[Any]:
    """Decisions about threads that are gone; those about a thread that is there stay with it."""
    there = Thread.objects.filter(pk=OuterRef("thread_id"))
    return DecisionRecord.objects.filter(~Exists(there), decided_at__lt=before)


def old_reveals(before: datetime) -> QuerySet[Any]:
    """Who had something masked shown, of threads that are gone; as `old_decisions`."""
    there = Thread.objects.filter(pk=OuterRef("thread_id"))
    return Reveal.objects.filter(~Exists(there), revealed_at__lt=before)


def old_traces(before: datetime, now: datetime) -> dict[str, QuerySet[Any]]:
    """By name: what is older than `before`, or of no use after `now`."""
    used_up = Q(used_at__isnull=False) | Q(expires_at__lt=now)
    return {
        "sign_in_links": SignInLink.objects.filter(used_up, created_at__lt=before),
        "sessions": Session.objects.filter(expire_date__lt=now),
        "sign_in_attempts": AccessAttempt.objects.filter(attempt_time__lt=before),
        "sign_in_failures": AccessFailureLog.objects.filter(attempt_time__lt=before),
        "sign_ins": AccessLog.objects.filter(attempt_time__lt=before),
        "denials": Denial.objects.filter(denied_at__lt=before),
        # One that was killed never said that it stopped.
        "workers": Worker.objects.filter(heartbeat_at__lt=before),
        "passes": MaintenancePass.objects.filter(finished_at__lt=before),
    }


def remove(rows: QuerySet[Any], most: int) -> int:
    """Removes up to so many of them; gives how many."""
    with unit():
        due = list(rows.order_by("pk").values_list("pk", flat=True)[:most])
        return rows.model._default_manager.filter(pk__in=due).delete()[0] if due else 0
