"""Huey's tasks: doorbells that carry a run id and nothing else. The only module that imports huey.

A task may be lost at any moment (huey takes it out of its store before it runs); the row of a queued run is
the truth, and the sweep rings again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from threading import Semaphore
from typing import Any

from django.conf import settings
from django.dispatch import receiver
from huey import SqliteHuey, crontab
from huey.consumer import Consumer, Worker
from huey.registry import Message
from huey.serializer import Serializer

from runtime import catalogue, doorbell, upkeep
from runtime.engine import loop
from runtime.journal import run_queued
from runtime.models import Run
from runtime.seat import Seat
from runtime.workspace import WorkspaceError

DOORBELLS = Path(settings.DATA_DIR) / "doorbells"
POLL_SECONDS = 0.5  #: when no ring comes; the doorbell usually does
SHUTDOWN_SECONDS = 6.0
SPARE_THREADS = 2  #: beside the run slots, so that long runs never starve the sweep
logger = logging.getLogger(__name__)


class IdsOnly(Serializer):  # type: ignore[misc]  # huey is untyped
    """JSON of a task's id, name and text arguments. No pickle: nothing in the store may run code."""

    def _serialize(self, data: Message) -> bytes:
        if not isinstance(data, Message) or not all(isinstance(value, str) for value in data.args or ()):
            raise TypeError("Only tasks with text arguments go through the queue.")
        return json.dumps({"id": data.id, "name": data.name, "args": list(data.args or ())}).encode()

    def _deserialize(self, data: bytes) -> Message:
        found = json.loads(bytes(data))
        return Message(
            id=found["id"], name=found["name"], args=tuple(found["args"]), kwargs={}, retries=0, retry_delay=0
        )


huey = SqliteHuey(
    "harness",
    filename=str(settings.DATA_DIR / "queue.sqlite"),
    serializer=IdsOnly(),
    results=False,
    immediate=False,  # huey follows DEBUG unless told: agents would run inside the request
    fsync=False,  # a ring that a power cut loses is rung again
    cache_mb=1,
)


@huey.task()  # type: ignore[untyped-decorator]
def advance_run(run_id: str) -> None:
    """Advances a run, then whatever else is due, as long as this process has a free slot."""
    seat = Seat.of_this_process()
    with seat.slot() as free:
        if not free or not workspace_loads():
            return  # its row stays queued; whoever frees a slot takes it, or the sweep rings again
        loop.advance(run_id, seat.keeper, slots=seat.slots)
        while not seat.keeper.stopping.is_set():
            due = Run.objects.claimable(datetime.now(UTC))
            if not any(loop.advance(other, seat.keeper, slots=seat.slots) for other in due):
                return


def workspace_loads() -> bool:
    """Whether runs can be advanced at all; while somebody is editing the workspace they wait."""
    try:
        catalogue.current()
    except WorkspaceError as error:
        logger.warning("Runs wait, the workspace is broken: %s", error)
        return False
    return True


@huey.periodic_task(crontab())  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Recovery, expiry and re-queueing, once a minute beside the seat's own clock."""
    upkeep.sweep()


@receiver(run_queued)
def ring(run_id: str, **_: Any) -> None:
    """Puts a run's id on the queue and wakes a worker."""
    try:
        advance_run(run_id)
    finally:
        doorbell.ring(DOORBELLS, run_id)


class RungWorker(Worker):  # type: ignore[misc]
    """A thread of huey's consumer whose pause ends when the doorbell rings."""

    rung = Semaphore(0)

    def sleep(self) -> None:
        RungWorker.rung.acquire(timeout=self.max_delay)


class RungConsumer(Consumer):  # type: ignore[misc]
    """Huey's consumer with the doorbell; when it stops, it hands the runs back."""

    worker_class = RungWorker

    def stop(self, graceful: bool = False) -> None:
        """Every end is graceful, also by Ctrl-C: huey would leave the runs where they are."""
        seat = Seat.of_this_process()
        seat.stop()
        RungWorker.rung.release(self.workers)
        super().stop(graceful=True)
        seat.leave()


def run_consumer(started: Callable[[], None], dead: Iterable[int] = ()) -> None:
    """Runs the worker process until SIGTERM or SIGINT; calls `started` when it can take work.

    `dead`: processes whose place this one takes.
    """
    seat = Seat.open(dead)
    bell = doorbell.Doorbell(DOORBELLS, lambda _: RungWorker.rung.release())
    consumer = RungConsumer(
        huey,
        workers=seat.slots + SPARE_THREADS,
        worker_type="thread",
        max_delay=POLL_SECONDS,
        graceful_signal="TERM",
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    started()
    try:
        consumer.run()
    finally:
        bell.close()
