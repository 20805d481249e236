"""Claims and leases: which worker may write about a run. Conditional updates; the row count decides."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from django.db import connection

from runtime.events import EventType
from runtime.journal.entry import Entry, Fenced, Lease, RunGone, entry
from runtime.journal.transaction import db_time, one_at_a_time, unit
from runtime.lifecycle import ACTIVE, RunState
from runtime.models import Run

MAX_ATTEMPTS = 5

_ACTIVE = ", ".join(f"'{state.value}'" for state in sorted(ACTIVE))
# One active run per thread, first in first out: an earlier run of the thread that has not ended blocks. That
# needs no lock: runs get their position under their thread's lock and never come back from an end, so once
# nothing earlier blocks a run, nothing ever will again.
# A worker carries at most `slots` runs; its own rows count them, one claim of a worker after the other.
_CLAIM = f"""
UPDATE runs SET lease_epoch = lease_epoch + 1, lease_owner = %s, lease_until = %s
WHERE run_id = %s AND state = 'queued' AND (next_try_at IS NULL OR next_try_at <= %s)
  AND NOT EXISTS (SELECT 1 FROM runs AS earlier WHERE earlier.thread_id = runs.thread_id
                  AND earlier.position < runs.position AND earlier.state IN ({_ACTIVE}))
  AND (SELECT count(*) FROM runs AS mine WHERE mine.lease_owner = %s AND mine.state = 'running') < %s
"""  # noqa: S608 - state names of ours


def claim(run_id: str, owner: str, *, slots: int, lease_seconds: float) -> Lease | None:
    """Takes a queued run for `lease_seconds`; None when it is not to be had (taken, not due, its thread
    is busy, no slot is free, gone). One winner in any race."""
    with unit():
        now = datetime.now(UTC)
        until = time.time() + lease_seconds
        one_at_a_time(f"claims of {owner}")
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, [owner, until, run_id, db_time(now), owner, slots])
            if cursor.rowcount != 1:
                return None
        run = Run.objects.get(pk=run_id)
        current = Entry(run, now)
        current.set(attempts=run.attempts + 1, next_try_at=None)
        current.move(RunState.RUNNING, "claimed", worker=owner, attempt=run.attempts)
        current.flush()
        return Lease(run_id, run.thread_id, owner, run.lease_epoch)


def renew(leases: Iterable[Lease], lease_seconds: float) -> None:
    """The heartbeat: extends the leases that are still held."""
    until = time.time() + lease_seconds
    with unit(), connection.cursor() as cursor:
        for lease in sorted(leases, key=lambda lease: lease.run_id):  # locked in one order by everyone
            cursor.execute(
                "UPDATE runs SET lease_until = %s "
                "WHERE run_id = %s AND lease_epoch = %s AND state = 'running'",
                [until, lease.run_id, lease.epoch],
            )


def epochs(run_ids: Iterable[str]) -> Mapping[str, int]:
    """The present fencing numbers; a run that is gone is missing."""
    return dict(Run.objects.filter(pk__in=list(run_ids)).values_list("run_id", "lease_epoch"))


def hand_back(lease: Lease, reason: str, *, wait_seconds: float = 0.0) -> None:
    """Queues a run again whose worker cannot go on; nothing when the lease is lost already."""
    try:
        with entry(lease.run_id, lease) as current:
            # It is not the run's fault: not one of the claims without progress.
            current.set(attempts=max(0, current.run.attempts - 1))
            later = current.now + timedelta(seconds=wait_seconds) if wait_seconds else None
            current.move(RunState.QUEUED, reason, next_try_at=later)
    except (Fenced, RunGone):
        return


def requeue_orphan(
    run_id: str, lease_seconds: float, *, why: str, dead_owners: Iterable[str] = ()
) -> RunState | None:
    """Puts a running run whose lease is over back into the queue, or fails it after too many claims in a
    row without progress. None when its lease is alive after all.

    `dead_owners`: workers that are known to have ended; their leases count as over.
    """
    with entry(run_id) as current:
        run, now = current.run, time.time()
        alive = now <= run.lease_until <= now + 3 * lease_seconds and run.lease_owner not in dead_owners
        if run.state != RunState.RUNNING or alive:
            return None
        current.fence()
        if run.attempts >= MAX_ATTEMPTS:
            error = f"{run.attempts} workers in a row lost this run without any progress."
            current.end(RunState.FAILED, "too many attempts", error=error)
        else:
            current.move(RunState.QUEUED, why, kind=EventType.RUN_RECOVERED)
        return RunState(run.state)
