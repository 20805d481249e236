"""Recovery: puts work back, never runs it. What it queues passes the same door as any first start."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.db import OperationalError

from runtime import journal
from runtime.journal import workers
from runtime.lifecycle import RunState
from runtime.models import Approval, Run, Tombstone

BATCH = 200
RINGS = 8  #: a worker that is rung takes whatever else is due, so a few rings do for any backlog
logger = logging.getLogger(__name__)


def _each(items: Iterable[str], act: Callable[[str], object]) -> int:
    """Does it for each, and counts how often something came of it. One bad row must not stop the others."""
    done = 0
    for item in items:
        try:
            done += bool(act(item))
        except (Approval.DoesNotExist, journal.RunGone, journal.AlreadyDecided):
            continue  # somebody was quicker
        except OperationalError:
            raise  # the database is away: for all of them
        except Exception:
            logger.exception("Upkeep could not settle %s.", item)
    return done


def requeue_orphans() -> int:
    """Queues running runs again whose lease is over; gives how many."""
    lease = settings.LEASE_SECONDS
    lost = Run.objects.orphaned(time.time(), lease).values_list("run_id", flat=True)[:BATCH]
    why = "the worker's lease ran out"
    return _each(list(lost), lambda run_id: journal.requeue_orphan(run_id, lease, why=why))


def requeue_runs_of_dead(pids: Iterable[int]) -> int:
    """Queues the runs of worker processes again that the supervisor saw die, without waiting for their
    leases; gives how many."""
    owners = workers.bury(pids)
    held = Run.objects.filter(state=RunState.RUNNING.value, lease_owner__in=owners)
    why = "the supervisor saw its worker die"
    lease = settings.LEASE_SECONDS
    return _each(
        list(held.values_list("run_id", flat=True)),
        lambda run_id: journal.requeue_orphan(run_id, lease, why=why, dead_owners=owners),
    )


def expire_approvals() -> int:
    """Settles approvals whose deadline has passed; gives how many."""
    overdue = Approval.objects.overdue(datetime.now(UTC)).values_list("approval_id", flat=True)[:BATCH]
    return _each(list(overdue), journal.expire)


def finish_deletions() -> int:
    """Removes files that a deletion left when it was cut off; gives how many threads."""
    left = Tombstone.objects.filter(files_left=True).values_list("thread_id", flat=True)[:BATCH]
    return _each(list(left), journal.finish_deletion)


def ring_queued() -> int:
    """Rings for queued runs that are due, in case their first ring was lost; gives how many rings."""
    due = Run.objects.claimable(datetime.now(UTC))[:RINGS]
    for run_id in due:
        journal.ring(run_id)
    return len(due)
