"""The seat of a worker process: its row, its slots, its leases, and the clock that sweeps for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from runtime import catalogue, upkeep
from runtime.engine.lease import Keeper
from runtime.journal import workers
from runtime.tools import sandbox

BEAT_SECONDS = 15.0
LEAST_PAUSE = 0.05
logger = logging.getLogger(__name__)


class Seat:
    """One per process, made when its consumer starts."""

    _present: Seat | None = None

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.worker_id = workers.enter(slots=slots, version=_version())
        self.keeper = Keeper(self.worker_id, settings.LEASE_SECONDS)
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

    def close(self) -> None:
        """Asks for the runs to be handed back; the row says that the worker left in order."""
        self.keeper.stop()
        workers.leave(self.worker_id)

    def _tick(self) -> None:
        """Sweeps at once, then every interval or when the next alarm is due; says that the worker lives."""
        beaten = 0.0
        while not self.keeper.stopping.is_set():
            pause = settings.SWEEP_SECONDS
            try:
                upkeep.sweep()
                if time.monotonic() - beaten >= BEAT_SECONDS:
                    workers.beat(self.worker_id)
                    beaten = time.monotonic()
                alarm = upkeep.next_alarm()
                if alarm is not None:
                    left = (alarm - datetime.now(UTC)).total_seconds()
                    pause = min(pause, max(left, LEAST_PAUSE))
            except DatabaseError:
                logger.warning("The sweep could not reach the database; trying again.", exc_info=True)
                connection.close()
            self.keeper.stopping.wait(min(pause, BEAT_SECONDS))


def _version() -> str:
    try:
        return version("agent-harness")
    except PackageNotFoundError:
        return "source"
