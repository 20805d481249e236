"""A watcher of a stream, and acts beside it in other threads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.models import Run
from runtime.web import live
from tests.journal.conftest import claim, new_run


class Client:
    """One open stream, as the server sees it. A message with `stops_at` in it is the last that it reads until
    `reads` is set: the server waits."""

    def __init__(self, grant: dict[str, Any]) -> None:
        self.grant = json.dumps(grant)
        self.body = b""
        self.status = 0
        self.ended = False
        self.gone = asyncio.Event()
        self.stops_at: bytes | None = None
        self.reads = asyncio.Event()
        self.reads.set()

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")
        self.ended = message.get("more_body") is False
        if self.stops_at is not None and self.stops_at in message.get("body", b""):
            self.reads.clear()
        await self.reads.wait()

    async def receive(self) -> dict[str, str]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def ids(self) -> list[int]:
        return [int(line[4:]) for line in self.body.decode().split("\n") if line.startswith("id: ")]

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.body.decode().split("\n")
        return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


@asynccontextmanager
async def watching(**grant: Any) -> AsyncIterator[Client]:
    client = Client({"after": 0, **grant})
    task = asyncio.ensure_future(live.serve(client.grant, [], {}, client.receive, client.send))
    try:
        yield client
    finally:
        client.gone.set()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(task, 10)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


def note(run: Run, text: str) -> None:
    with journal.entry(run.run_id) as entry:
        entry.note(EventType.OUTPUT_DELTA, text=text, call=1)


def finish(run: Run) -> None:
    lease = claim(run)
    with journal.entry(run.run_id, lease) as entry:
        entry.end(RunState.COMPLETED, "done", output="x")


def cut_listeners() -> None:
    """Ends every other connection to the records, as a restart of the server does."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'"
            )


def closing(act: Callable[..., Any]) -> Callable[..., Any]:
    """The act, for a thread of its own: it leaves no connection behind."""

    @wraps(act)
    def closed(*args: Any, **options: Any) -> Any:
        try:
            return act(*args, **options)
        finally:
            connection.close()

    return closed


def elsewhere(act: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """The act in another thread, with a connection of its own."""
    return sync_to_async(closing(act), thread_sensitive=False)


write, end, make, cut = (elsewhere(act) for act in (note, finish, new_run, cut_listeners))
