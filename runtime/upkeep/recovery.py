"""Recovery: puts work back, never runs it. What it queues passes the same door as any first start."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import OperationalError

from runtime import journal, log
from runtime.journal import workers
from runtime.lifecycle import RunState, Why
from runtime.models import Approval, Run, Tombstone
from runtime.models.thread import has_folder
from runtime.upkeep import last_good
from runtime.upkeep.watch import Watch

BATCH = 200
RINGS = 8  #: a worker that is rung takes whatever else is due, so a few rings do for any backlog
LATELY = timedelta(minutes=10)
logger = logging.getLogger(__name__)


def _each(kind: str, items: Iterable[str], act: Callable[[str], object]) -> int:
    """Does it for each (`kind`: run, approval, thread), and counts how often something came of it. One bad
    row must not stop the others."""
    done = 0
    for item in items:
        try:
            done += bool(act(item))
        except (Approval.DoesNotExist, journal.RunGone, journal.AlreadyDecided):
            continue  # somebody was quicker
        except OperationalError:
            raise  # the database is away: for all of them
        except Exception:  # whatever it was, the others must be settled; the next sweep tries this one again
            with log.about(**{kind: item}):
                logger.exception("Upkeep could not settle %s %s.", kind, item)
    return done


def requeue_orphans(watch: Watch | None = None) -> int:
    """Queues running runs again whose lease is lost; gives how many. Without a watch, who looks for the first
    time takes the clock's word for it."""
    lease, again = settings.LEASE_SECONDS, _again(Why.LEASE_OVER)
    if watch is not None:
        lost = watch.look(Run.objects.leases(), lease)
        return _each("run", list(lost)[:BATCH], lambda run_id: again(run_id, seen=lost[run_id]))
    over = Run.objects.orphaned(time.time(), lease).values_list("run_id", flat=True)[:BATCH]
    return _each("run", list(over), again)


def requeue_runs_of_dead(pids: Iterable[int]) -> int:
    """Queues the runs of worker processes again that the supervisor saw die, without waiting for their
    leases; gives how many."""
    owners = workers.bury(pids)
    held = Run.objects.filter(state=RunState.RUNNING.value, lease_owner__in=owners)
    again = partial(_again(Why.WORKER_DIED), dead_owners=owners)
    return _each("run", list(held.values_list("run_id", flat=True)), again)


def _again(why: Why) -> Callable[..., RunState | None]:
    """How a run is put back; takes its id."""
    return partial(
        journal.requeue_orphan,
        lease_seconds=settings.LEASE_SECONDS,
        why=why,
        attempts=last_good.current().recovery.attempts,
    )


def expire_approvals() -> int:
    """Settles approvals whose deadline has passed; gives how many."""
    overdue = Approval.objects.overdue(datetime.now(UTC)).values_list("approval_id", flat=True)[:BATCH]
    return _each("approval", list(overdue), journal.expire)


def finish_deletions() -> int:
    """Removes what a deletion left when it was cut off; gives how many threads. It also looks after what was
    deleted lately: a tool that began just before may have made the folder anew."""
    left = Tombstone.objects.filter(files_left=True).values_list("thread_id", flat=True)[:BATCH]
    since = datetime.now(UTC) - LATELY
    lately = Tombstone.objects.filter(deleted_at__gt=since).values_list("thread_id", flat=True)
    again = (thread_id for thread_id in lately if has_folder(thread_id))
    return _each("thread", dict.fromkeys([*left, *again]), journal.finish_deletion)


def ring_queued() -> int:
    """Rings for queued runs that are due, in case their first ring was lost; gives how many rings."""
    due = Run.objects.claimable(datetime.now(UTC))[:RINGS]
    for run_id in due:
        journal.ring(run_id)
    return len(due)
