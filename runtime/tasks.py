"""Huey's tasks: doorbells that carry a run id and nothing else. The only module that imports huey.

A task may be lost at any moment (huey takes it out of its store before it runs); the row of a queued run is
the truth, and the sweep rings again. The store is a file beside the records, the records' PostgreSQL, or
Redis. A waiting worker is woken by a datagram, by NOTIFY, or by Redis's blocking read. On PostgreSQL one
connection of the process listens; huey's own way takes one per thread, where notes pile up while it works.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Protocol

from django.conf import settings
from django.db import connection
from django.db.models.signals import post_migrate
from django.dispatch import receiver
from huey import Huey, crontab
from huey.consumer import Consumer, Worker
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import PostgresStorage, RedisStorage, SqliteStorage

from runtime import doorbell, log, upkeep
from runtime.faults import Point, reach
from runtime.journal import release, run_queued
from runtime.queuefile import Renewed
from runtime.seat import Seat

DOORBELLS = Path(settings.DATA_DIR) / "doorbells"
POLL_SECONDS = 0.5  #: between looks into the file when no ring comes; usually one does
FAR_POLL_SECONDS = 5.0  #: the same on a server
AWAY_SECONDS = 1.0  #: between looks when the store cannot be reached
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


class Forbearing:
    """Makes a store bear its own absence: it is said once, and meanwhile the rows alone tell what is due."""

    away = False

    def mend(self, error: Exception) -> None:
        """Nothing: a server comes back by itself."""

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Keeps a task, if that can be done."""
        try:
            super().enqueue(data, priority)  # type: ignore[misc]  # beside a store of huey's
        except Exception as error:
            logger.warning("A ring was lost, the next sweep repeats it: %s", log.first_line(error))
            self.mend(error)

    def dequeue(self) -> bytes | None:
        """The next task; when the store cannot be asked, one that looks at the rows."""
        try:
            data: bytes | None = super().dequeue()  # type: ignore[misc]  # beside a store of huey's
        except Exception as error:
            known, self.away = self.away, True
            if not known:
                logger.warning(
                    "The queue cannot be reached, workers go by the rows: %s", log.first_line(error)
                )
            Seat.missed_the_queue(log.first_line(error))
            self.mend(error)
            time.sleep(AWAY_SECONDS)
            return bytes(huey.serialize_task(advance_run.s("")))
        known, self.away = self.away, False
        if known:
            logger.warning("The queue can be reached again.")
        return data

    def read_schedule(self, ts: datetime) -> list[bytes]:
        """Nothing: no task is ever put off."""
        return []

    def peek_many(self, keys: list[str]) -> dict[str, bytes]:
        """Nothing: no task is ever called off, its row says whether there is something to do."""
        return {}

    def delete_data(self, key: str) -> bool:
        """Nothing: see above. huey would delete after every task what could have called it off."""
        return False


class InFile(Renewed, Forbearing, SqliteStorage):  # type: ignore[misc]
    """The queue in a file beside the records."""

    lost = staticmethod(Seat.missed_the_queue)


class InPostgreSQL(Forbearing, PostgresStorage):  # type: ignore[misc]
    """The queue in tables beside the records."""


class InRedis(Forbearing, RedisStorage):  # type: ignore[misc]
    """The queue in Redis."""


def _store() -> dict[str, Any]:
    """Which store, and how it is reached. A ring that a power cut loses is rung again: none is synced."""
    if settings.REDIS_URL:
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        patience = {"socket_connect_timeout": 2.0, "socket_timeout": 5.0, "retry": Retry(NoBackoff(), 1)}
        pool = ConnectionPool.from_url(settings.REDIS_URL, **patience)
        return {"storage_class": InRedis, "connection_pool": pool}
    if connection.vendor == "postgresql":
        from runtime.journal import postgresql

        def connect() -> Any:
            return postgresql.connect("synchronous_commit=off")

        # The tables are made by `prepare_store`: no command should need the server only to be imported.
        return {
            "storage_class": InPostgreSQL,
            "connection": connect,
            "create_tables": False,
            "blocking": False,
        }
    file = str(settings.DATA_DIR / "queue.sqlite")
    return {
        "storage_class": InFile,
        "filename": file,
        "fsync": False,
        "cache_mb": 1,
        "create_tables": False,  # each connection makes what is missing; here an error would stop any command
    }


huey = Huey(
    "harness",
    serializer=IdsOnly(),
    results=False,
    immediate=False,  # huey follows DEBUG unless told: agents would run inside the request
    **_store(),
)


@receiver(post_migrate)
def prepare_store(**_: Any) -> None:
    """Makes the queue's tables, where it has any that are missing."""
    if isinstance(huey.storage, InPostgreSQL) and "huey_task" not in connection.introspection.table_names():
        huey.storage.initialize_schema()


@huey.task()  # type: ignore[untyped-decorator]
def advance_run(run_id: str) -> None:
    """Advances a run (if one is named), then whatever else is due, while this process has a free slot."""
    reach(Point.TASK_TAKEN)
    Seat.of_this_process().advance(run_id)


@huey.periodic_task(crontab())  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Recovery, expiry and re-queueing, once a minute beside the seat's own clock."""
    upkeep.sweep(Seat.of_this_process().watch)


@huey.periodic_task(crontab())  # type: ignore[untyped-decorator]
def maintain() -> None:
    """Maintenance that is due, or that somebody wants now."""
    upkeep.maintain(Seat.of_this_process().keeper.stopping.is_set)


@receiver(run_queued)
def ring(run_id: str, **_: Any) -> None:
    """Puts a run's id on the queue and wakes a worker. No run: somebody wants maintenance now."""
    _ = advance_run(run_id) if run_id else maintain()
    reach(Point.RING_QUEUED)
    if isinstance(huey.storage, InFile):
        doorbell.ring(DOORBELLS, run_id or "maintenance")


class Bell(Protocol):
    """What wakes this process."""

    def close(self) -> None:
        """Stops listening."""


def _bell(heard: Callable[[str], None]) -> Bell | None:
    """None for Redis: its blocking read wakes by itself."""
    if isinstance(huey.storage, InFile):
        return doorbell.Doorbell(DOORBELLS, heard)
    if isinstance(huey.storage, InPostgreSQL):
        from runtime.journal.listener import Listener
        from runtime.journal.postgresql import connect

        return Listener(connect, huey.storage.channel, heard)
    return None


class RungWorker(Worker):  # type: ignore[misc]
    """A thread of huey's consumer whose pause ends when the doorbell rings."""

    rung = BoundedSemaphore()

    def sleep(self) -> None:
        RungWorker.rung.acquire(timeout=self.max_delay)

    @classmethod
    def hear(cls, message: str = "") -> None:
        """Wakes one; more rings than there are threads are as good as so many."""
        with suppress(ValueError):
            cls.rung.release()


class RungConsumer(Consumer):  # type: ignore[misc]
    """Huey's consumer with the doorbell; when it stops, it hands the runs back."""

    worker_class = RungWorker
    started: Callable[[], None]

    def start(self) -> None:
        """Says that it has, once a signal ends it in order."""
        super().start()
        self.started()

    def stop(self, graceful: bool = False) -> None:
        """Every end is graceful, also by Ctrl-C: huey would leave the runs where they are."""
        seat = Seat.of_this_process()
        seat.stop()
        for _ in range(self.workers):
            RungWorker.hear()
        super().stop(graceful=True)
        seat.leave()


def run_consumer(started: Callable[[], None], dead: Iterable[int] = ()) -> None:
    """Runs the worker process until SIGTERM or SIGINT; calls `started` when it can take work.

    `dead`: processes whose place this one takes.
    """
    seat = Seat.open(dead)
    threads = seat.slots + SPARE_THREADS
    RungWorker.rung = doorbell.silent_bell(threads)
    bell = _bell(RungWorker.hear)
    consumer = RungConsumer(
        huey,
        workers=threads,
        worker_type="thread",
        max_delay=POLL_SECONDS if isinstance(huey.storage, InFile) else FAR_POLL_SECONDS,
        graceful_signal="TERM",
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    consumer.started = started
    release()
    try:
        consumer.run()
    finally:
        if bell is not None:
            bell.close()
