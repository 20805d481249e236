"""The seat of a worker process: its row, its slots, its leases, and the clock that sweeps for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from runtime import catalogue, upkeep
from runtime.engine.lease import Keeper
from runtime.journal import release, workers
from runtime.tools import sandbox

BEAT_SECONDS = 15.0
LEAST_PAUSE = 0.2
logger = logging.getLogger(__name__)


class Seat:
    """One per process, made when its consumer starts."""

    _present: Seat | None = None

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.worker_id = workers.enter(slots=slots, version=_version())
        self.keeper = Keeper(self.worker_id, settings.LEASE_SECONDS)
        self._free = threading.BoundedSemaphore(slots)
        self._clock = threading.Thread(target=self._tick, name="sweeper", daemon=True)
        Seat._present = self

    @classmethod
    def of_this_process(cls) -> Seat:
        """The seat; a process that is no worker has none."""
        if cls._present is None:
            raise RuntimeError("This process is not a worker: start one with `manage.py run_huey`.")
        return cls._present

    @classmethod
    def open(cls, dead: Iterable[int] = ()) -> Seat:
        """Takes the seat with the workspace's number of slots and starts its clock. `dead`: processes whose
        place this one takes; their runs are queued again at once."""
        upkeep.requeue_runs_of_dead(dead)
        seat = cls(catalogue.current().workspace.concurrency.runs_per_worker)
        seat._clock.start()
        sandbox.begin()
        return seat

    @contextmanager
    def slot(self) -> Iterator[bool]:
        """A free slot for the length of the block; False when there is none. Asked before any claim, so that
        a busy worker does not trouble the database."""
        free = self._free.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                self._free.release()

    def stop(self) -> None:
        """Asks for the runs to be handed back."""
        self.keeper.stop()

    def leave(self) -> None:
        """Says in the row that the worker left in order, if the database can be reached."""
        try:
            workers.leave(self.worker_id)
        except DatabaseError:
            logger.warning("The worker's row could not be closed.", exc_info=True)

    def _tick(self) -> None:
        """Sweeps at once, then every interval or when the next alarm is due; says that the worker lives."""
        beaten = float("-inf")
        while not self.keeper.stopping.is_set():
            pause = settings.SWEEP_SECONDS
            try:
                if time.monotonic() - beaten >= BEAT_SECONDS:
                    workers.beat(self.worker_id)
                    beaten = time.monotonic()
                upkeep.sweep()
                now = datetime.now(UTC)
                alarm = upkeep.next_alarm(now)
                if alarm is not None:
                    pause = min(pause, max((alarm - now).total_seconds(), LEAST_PAUSE))
                release()
            except Exception:
                # Whatever it was, the next sweep must come.
                logger.exception("The sweep failed; the next one comes.")
                connection.close()
            self.keeper.stopping.wait(min(pause, BEAT_SECONDS))


def _version() -> str:
    try:
        return version("agent-harness")
    except PackageNotFoundError:
        return "source"
