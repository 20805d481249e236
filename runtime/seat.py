"""The seat of a worker process: its row, its slots, its leases, and the clock that sweeps for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from runtime import catalogue, log, reserve, upkeep
from runtime.engine import loop
from runtime.engine.lease import Keeper
from runtime.journal import release, workers
from runtime.models import Run
from runtime.models.worker import WORKS
from runtime.tools import sandbox
from runtime.upkeep import health
from runtime.workspace import WorkspaceError

BEAT_SECONDS = 15.0
REMEMBERED_SECONDS = 60.0  #: for how long a worker says that the queue failed it
LEAST_PAUSE = 0.2
logger = logging.getLogger(__name__)


class Seat:
    """One per process, made when its consumer starts."""

    _present: Seat | None = None

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.worker_id = workers.enter(slots=slots, version=settings.VERSION)
        self.keeper = Keeper(self.worker_id, settings.LEASE_SECONDS)
        self.watch = upkeep.Watch()
        self._queue = ("", float("-inf"))  # how it failed, and when
        self._free = threading.BoundedSemaphore(slots)
        self._missed = threading.Event()
        self._clock = threading.Thread(target=self._tick, name="sweeper", daemon=True)
        # A clock of its own: it must go on when the sweep waits for the database.
        self._monitor = threading.Thread(target=self._watch, name="health", daemon=True)
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
        seat._monitor.start()
        sandbox.begin()
        return seat

    @classmethod
    def missed_the_queue(cls, why: str) -> None:
        """The queue could not be used just now; the worker's row will say so for a while."""
        if cls._present is not None:
            cls._present._queue = (why, time.monotonic())

    @contextmanager
    def slot(self) -> Iterator[bool]:
        """A free slot for the length of the block; False when there is none. Asked before any claim, so that
        a busy worker does not trouble the database."""
        free = self._free.acquire(blocking=False)
        if not free:
            self._missed.set()
            free = self._free.acquire(blocking=False)  # one that was freed before could be seen to be missed
        try:
            yield free
        finally:
            if free:
                self._free.release()

    def advance(self, run_id: str) -> None:
        """Takes the run (if one is named), then whatever else is due, while a slot is free."""
        while self._advance(run_id) and self._is_missed():
            run_id = ""  # whoever found no free slot meanwhile left it to this one

    def _advance(self, run_id: str) -> bool:
        """False when no slot was free."""
        with self.slot() as free:
            limits = agent_limits() if free else None
            if limits is None:
                return free  # its row stays queued; whoever frees a slot takes it, or the sweep rings again
            take = partial(loop.advance, keeper=self.keeper, slots=self.slots)
            try:
                # Where an agent's runs stand in line for its places, the line says who is next, not the ring.
                if run_id and not limits:
                    take(run_id)
                while limits is not None and not self.keeper.stopping.is_set():
                    due = Run.objects.claimable(datetime.now(UTC), limits)
                    if not any(take(other, limits=limits) for other in due):
                        break
                    limits = agent_limits()
            except DatabaseError as error:
                logger.warning("Runs wait, the records cannot be used: %s", log.first_line(error))
                connection.close()
            finally:
                release()
        return free

    def _is_missed(self) -> bool:
        """Whether somebody found no free slot since this was asked last."""
        found = self._missed.is_set()
        if found:
            self._missed.clear()
        return found

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
        beaten, said = float("-inf"), ""
        while not self.keeper.stopping.is_set():
            pause = settings.SWEEP_SECONDS
            try:
                why, missed = self._queue
                queue = why if time.monotonic() - missed < REMEMBERED_SECONDS else ""
                if queue != said or time.monotonic() - beaten >= BEAT_SECONDS:
                    workers.beat(self.worker_id, sandbox=_sandbox(), queue=queue)
                    beaten, said = time.monotonic(), queue
                upkeep.sweep(self.watch)
                now = datetime.now(UTC)
                alarm = upkeep.next_alarm(now)
                if alarm is not None:
                    pause = min(pause, max((alarm - now).total_seconds(), LEAST_PAUSE))
                release()
            except Exception:  # whatever it was, the next sweep must come
                logger.exception("The sweep failed; the next one comes.")
                connection.close()
            self.keeper.stopping.wait(min(pause, BEAT_SECONDS))

    def _watch(self) -> None:
        """Looks after the disk's reserve and samples the health, at once and then every interval."""
        sampler = health.Sampler()
        while not self.keeper.stopping.is_set():
            try:
                reserve.keep(settings.DATA_DIR)
                sampler.sample(datetime.now(UTC))
                release()
            except Exception:  # whatever it was, the next sample must come
                logger.exception("The health could not be sampled; the next sample comes.")
                connection.close()
            self.keeper.stopping.wait(health.sample_seconds())


def agent_limits() -> dict[str, int] | None:
    """How many runs of which agent may be at work at once, as the workspace says now. None when runs wait:
    it cannot be loaded, because somebody is editing it, or the disk is full."""
    if reserve.is_spent(settings.DATA_DIR):
        logger.warning("Runs wait, the disk is full.")
        return None
    try:
        return catalogue.current().workspace.agent_limits
    except WorkspaceError as error:
        logger.warning("Runs wait, the workspace is broken: %s", error)
        return None


def _sandbox() -> str:
    """What is known of this process's sandbox, as in `Worker.sandbox`."""
    found = sandbox.state()
    if isinstance(found, sandbox.Off):
        return found.reason
    return WORKS if found.tested else ""
