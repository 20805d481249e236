"""How an entry is begun: one durable transaction about one run.

    with journal.entry(run_id, lease) as entry:
        entry.note(EventType.MODEL_COMPLETED, call=1)
        entry.move(RunState.COMPLETED, Why.ANSWERED)

Everything is committed together at the end of the block.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from django.db import OperationalError

from runtime.faults import Point, reach
from runtime.journal.entry import Entry, Fenced, Lease, RunGone
from runtime.journal.transaction import unit
from runtime.lifecycle import RunState
from runtime.models import Run
from runtime.models.rows import lock, one, select

_STAND = "SELECT state, lease_epoch, last_sequence FROM runs WHERE run_id = %s"


LATE_SECONDS = 1.0  #: tallies leave out what is younger than two seconds, and believe in the rest


class Overtaken(OperationalError):
    """What was gathered is not true any more, somebody noted something or its time is over: gather again."""


@contextmanager
def entry(
    run_id: str, lease: Lease | None = None, *, durable: bool = True, known: Run | None = None
) -> Iterator[Entry]:
    """One transaction about a run. With a lease it raises Fenced when the lease is stale, RunGone when
    the run is deleted; in both cases nothing is written.

    `known`: the run as the last entry under the same lease left it, which need not be read again.
    """
    with unit(durable=durable, shared=True):
        same = known is not None and _stands(run_id, _stand(known))
        current = Entry(known if same and known else _lock(run_id), datetime.now(UTC))
        if lease is not None and not _holds(lease, current.run):
            raise _fenced(lease, current.run)
        yield current
        current.flush()
        reach(Point.ENTRY_FLUSHED)


@contextmanager
def prepared(lease: Lease, known: Run) -> Iterator[Entry]:
    """As `entry(lease.run_id, lease, known=known)`, for a worker that writes down what it has done: the
    transaction begins at the end of the block, or when the entry is opened, so that others wait for its
    statements alone. What the block reads before may be believed: nobody else writes about a held run.

    Raises Overtaken should somebody have done so all the same, or should the transaction have to wait for so
    long that its time would lie behind those of others; `entry` takes the time when it has its turn.
    """
    stand, since = _stand(known), time.monotonic()  # before the block changes it
    with ExitStack() as stack:

        def begin() -> None:
            stack.enter_context(unit(shared=True))
            if not _stands(lease.run_id, stand):
                run = _lock(lease.run_id)
                raise Overtaken(str(run)) if _holds(lease, run) else _fenced(lease, run)
            if time.monotonic() - since > LATE_SECONDS:
                raise Overtaken(f"The entry of run {lease.run_id} had to wait.")

        current = Entry(known, datetime.now(UTC), begin)
        yield current
        current.flush()
        reach(Point.ENTRY_FLUSHED)


def _fenced(lease: Lease, run: Run) -> Fenced:
    return Fenced(f"Run {run.run_id} is {run.state} in epoch {run.lease_epoch}, not {lease.epoch}.")


def _holds(lease: Lease, run: Run) -> bool:
    # The state as well: a run that was parked or handed back is nobody's until the next claim.
    return lease.epoch == run.lease_epoch and run.state == RunState.RUNNING


def _lock(run_id: str) -> Run:
    run = one(Run, "run_id = %s" + lock(), [run_id])
    if run is None:
        raise RunGone(f"There is no run {run_id}.")
    return run


def _stand(run: Run) -> tuple[str, int, int]:
    """What changes with whatever anyone writes about a run, but for a heartbeat. Whoever else writes about a
    running run takes the lease away (the epoch) or notes something (the sequence)."""
    return run.state, run.lease_epoch, run.last_sequence


def _stands(run_id: str, known: tuple[str, int, int]) -> bool:
    """Whether the run, which is locked, stands as it is known to."""
    return select(_STAND + lock(), [run_id]) == [known]
