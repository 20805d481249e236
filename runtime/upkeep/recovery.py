"""Recovery: puts work back, never runs it. What it queues passes the same door as any first start."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings

from runtime import journal
from runtime.journal import workers
from runtime.lifecycle import RunState
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


def requeue_runs_of_dead(pids: Iterable[int]) -> int:
    """Queues the runs of worker processes again that the supervisor saw die, without waiting for their
    leases; gives how many."""
    moved = 0
    for owner in workers.bury(pids):
        lost = Run.objects.filter(state=RunState.RUNNING.value, lease_owner=owner)
        for run_id in list(lost.values_list("run_id", flat=True)):
            why = "the supervisor saw its worker die"
            found = journal.requeue_orphan(run_id, settings.LEASE_SECONDS, why=why, dead_owner=owner)
            moved += found is not None
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
