"""Claims and leases: which worker may write about a run. Conditional updates; the row count decides."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.events import EventType
from runtime.faults import Point, reach
from runtime.journal.doubts import give_up
from runtime.journal.entering import entry
from runtime.journal.entry import Entry, Fenced, Lease, RunGone
from runtime.journal.rows import change_rows
from runtime.journal.transaction import one_at_a_time, unit
from runtime.lifecycle import ACTIVE, RunState, Why
from runtime.models import Run
from runtime.models.rows import changed, db_time

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

_RENEW = "UPDATE runs SET lease_until = %s WHERE run_id = %s AND lease_epoch = %s AND state = 'running'"


def claim(run_id: str, owner: str, **terms: Any) -> Lease | None:
    """As `claiming`, with nothing else in the entry."""
    with claiming(run_id, owner, **terms) as current:
        return None if current is None else current.lease


@contextmanager
def claiming(
    run_id: str, owner: str, *, slots: int, lease_seconds: float, limits: Mapping[str, int] | None = None
) -> Iterator[Entry | None]:
    """Takes a queued run for `lease_seconds`, in an entry that may go on to say what is done first; None when
    it is not to be had (taken, not due, its thread is busy, no slot is free, its agent is at its limit,
    gone). One winner in any race. Nothing is claimed when the block raises.

    `limits`: how many runs of an agent may be at work at once, by its name.
    """
    with unit(shared=True):
        one_at_a_time(f"claims of {owner}")
        if limits and not _agent_has_room(run_id, limits):
            yield None
            return
        now = datetime.now(UTC)
        until = time.time() + lease_seconds
        run = changed(Run, _CLAIM, [owner, until, run_id, db_time(now), owner, slots])
        if run is None:
            yield None
            return
        current = Entry(run, now)
        current.set(attempts=run.attempts + 1, next_try_at=None)
        current.move(RunState.RUNNING, Why.CLAIMED, worker=owner, attempt=run.attempts)
        yield current
        current.flush()
        reach(Point.CLAIM_WRITTEN)
    reach(Point.CLAIM_COMMITTED)


def _agent_has_room(run_id: str, limits: Mapping[str, int]) -> bool:
    """Counted in the rows, so that it holds for all workers; one claim of an agent after the other."""
    agent = Run.objects.filter(pk=run_id).values_list("agent_id", flat=True).first()
    if agent is None or agent not in limits:
        return True
    one_at_a_time(f"claims for {agent}")
    return not Run.objects.full_agents({agent: limits[agent]})


def renew(leases: Iterable[Lease], lease_seconds: float) -> set[str]:
    """The heartbeat: extends the leases that are still held; gives their runs."""
    held: set[str] = set()
    until = time.time() + lease_seconds
    with unit(shared=True):
        for lease in sorted(leases, key=lambda lease: lease.run_id):  # locked in one order by everyone
            if change_rows(_RENEW, [until, lease.run_id, lease.epoch]) == 1:
                held.add(lease.run_id)
        reach(Point.RENEW_WRITTEN)
    return held


def epochs(run_ids: Iterable[str]) -> Mapping[str, int]:
    """The present fencing numbers; a run that is gone is missing."""
    return dict(Run.objects.filter(pk__in=list(run_ids)).values_list("run_id", "lease_epoch"))


def hand_back(lease: Lease, reason: str) -> None:
    """Queues a run again whose worker cannot go on; nothing when the lease is lost already."""
    try:
        with entry(lease.run_id, lease) as current:
            put_back(current, reason)
            reach(Point.HAND_BACK_WRITTEN)
    except (Fenced, RunGone):
        return


def put_back(current: Entry, reason: str, *, wait_seconds: float = 0.0) -> None:
    """The same within an entry."""
    # It is not the run's fault: not one of the claims without progress.
    current.set(attempts=max(0, current.run.attempts - 1))
    later = current.now + timedelta(seconds=wait_seconds) if wait_seconds else None
    current.move(RunState.QUEUED, reason, next_try_at=later)


def requeue_orphan(
    run_id: str,
    lease_seconds: float,
    *,
    why: str,
    attempts: int,
    dead_owners: Iterable[str] = (),
    seen: tuple[int, float] | None = None,
) -> RunState | None:
    """Puts a running run whose lease is over back into the queue, or gives it up after so many `attempts`,
    claims in a row without progress. None when its lease is alive after all.

    `dead_owners`: workers that are known to have ended; their leases count as over. `seen`: the epoch and end
    of a lease that is known to be lost; any other is alive.
    """
    with entry(run_id) as current:
        run, now = current.run, time.time()
        alive = now <= run.lease_until <= now + 3 * lease_seconds and run.lease_owner not in dead_owners
        if seen is not None:
            alive = (run.lease_epoch, run.lease_until) != seen
        if run.state != RunState.RUNNING or alive:
            return None
        current.fence()
        if run.attempts >= attempts:
            error = f"{run.attempts} workers in a row lost this run without any progress."
            give_up(current, Why.POISON, error)
        else:
            current.move(RunState.QUEUED, why, kind=EventType.RUN_RECOVERED)
        reach(Point.RECOVER_WRITTEN)
    reach(Point.RECOVER_COMMITTED)
    return RunState(run.state)
