"""Recovery: puts work back, never runs it. What it queues passes the same door as any first start."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django.conf import settings

from runtime import journal
from runtime.models import Approval, Run, Tombstone

BATCH = 200


def requeue_orphans() -> int:
    """Queues running runs again whose lease is over; gives how many."""
    lease = settings.LEASE_SECONDS
    lost = Run.objects.orphaned(time.time(), lease).values_list("run_id", flat=True)[:BATCH]
    why = "the worker's lease ran out"
    moved = 0
    for run_id in list(lost):
        try:
            moved += journal.requeue_orphan(run_id, lease, why=why) is not None
        except journal.RunGone:
            continue
    return moved


def expire_approvals() -> int:
    """Settles approvals whose deadline has passed; gives how many."""
    overdue = Approval.objects.overdue(datetime.now(UTC)).values_list("approval_id", flat=True)[:BATCH]
    expired = 0
    for approval_id in list(overdue):
        try:
            expired += journal.expire(approval_id)
        except (Approval.DoesNotExist, journal.RunGone, journal.AlreadyDecided):
            continue
    return expired


def finish_deletions() -> int:
    """Removes files that a deletion left when it was cut off; gives how many threads."""
    left = Tombstone.objects.filter(files_left=True).values_list("thread_id", flat=True)[:BATCH]
    for thread_id in list(left):
        journal.finish_deletion(thread_id)
    return len(left)


def ring_queued() -> int:
    """Rings for queued runs that are due, in case their first ring was lost; gives how many."""
    due = Run.objects.queued_due(datetime.now(UTC)).values_list("run_id", flat=True)[:BATCH]
    for run_id in list(due):
        journal.ring(run_id)
    return len(due)
