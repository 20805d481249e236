"""The feed and its streams: every event once, in order, to the end, whatever happens to the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.models import Run
from runtime.web import feed as feeds
from runtime.web import live
from runtime.web.sources import Row, Source
from tests.journal.conftest import claim, new_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def records(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keep-alive comes soon."""
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.2)


@pytest.fixture
def watcher(viewer: User) -> str:
    return f"person:{viewer.pk}"


class Client:
    """One open stream, as the server sees it."""

    def __init__(self, grant: dict[str, Any]) -> None:
        self.grant = json.dumps(grant)
        self.body = b""
        self.status = 0
        self.gone = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")

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


async def fail(self: Source, followed: Collection[str]) -> list[Row]:
    await asyncio.sleep(0)
    raise OSError("the disk is away")


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


async def test_it_sends_the_past_then_what_comes_and_ends_with_the_run(watcher: str) -> None:
    run = await make()
    async with watching(kind="api", run_id=run.run_id, viewer=watcher) as client:
        await until(lambda: client.ids == [1, 2])
        await write(run, "a")
        await end(run)
        await until(lambda: client.events[-1].get("to") == "completed")
    assert client.ids == list(range(1, len(client.ids) + 1))


async def test_it_keeps_every_character_of_a_text(watcher: str) -> None:
    run = await make()
    text = "a\u2028b\u2029c\u0085d\r\ne\rf\ng\x0bh\x1ci"
    async with watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as client:
        await write(run, text)
        await until(lambda: bool(client.events))
    assert client.events[0]["text"] == text


async def test_it_goes_on_after_the_database_was_away(watcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await make()
    async with watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as client:
        await write(run, "one")
        await until(lambda: client.ids == [3])
        source = feeds.Feed.of_this_process().source
        with monkeypatch.context() as broken:
            broken.setattr(type(source), "news", fail)
            await write(run, "two")
            await asyncio.sleep(0.1)
        await source.close()
        await write(run, "three")
        await until(lambda: client.ids == [3, 4, 5])


async def test_it_fills_a_gap_from_the_records(watcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await make()
    async with watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as client:
        await until(lambda: client.status == 200)
        source = feeds.Feed.of_this_process().source
        for text in "abc":
            await write(run, text)
        await until(lambda: client.ids == [3, 4, 5])
        read = type(source).news

        async def skip(self: Source, followed: Collection[str]) -> list[Row]:
            return [row for row in await read(self, followed) if row[1] != 6]

        monkeypatch.setattr(type(source), "news", skip)
        await write(run, "skipped")
        await write(run, "seen")
        await until(lambda: client.ids == [3, 4, 5, 6, 7])


async def test_it_loses_nothing_when_its_connections_are_cut(watcher: str) -> None:
    run = await make()
    async with (
        watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as client,
        watching(kind="inbox", viewer=watcher, after=10**9) as inbox,
    ):
        await write(run, "one")
        await until(lambda: client.ids == [3])
        await cut()
        await write(run, "two")
        await until(lambda: client.ids == [3, 4])
        await end(run)
        await until(lambda: client.events[-1].get("to") == "completed")
        await until(lambda: b"event: inbox" in inbox.body)
    assert client.ids == list(range(3, len(client.ids) + 3))


async def test_it_ends_after_the_last_event_when_the_run_ended_while_it_opened(
    watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await make()
    backlog = feeds.Feed.backlog
    looked: list[int] = []

    async def slow(self: feeds.Feed, run_id: str, after: int) -> AsyncIterator[list[feeds.FeedEvent]]:
        for batch in [batch async for batch in backlog(self, run_id, after)]:
            yield batch
        looked.append(after)

    monkeypatch.setattr(feeds.Feed, "backlog", slow)
    over = feeds.Feed.is_over

    async def late(self: feeds.Feed, run_id: str) -> bool:
        if len(looked) == 1:
            ended.result(timeout=10)
        return await over(self, run_id)

    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor() as pool:
        monkeypatch.setattr(feeds.Feed, "is_over", late)
        ended = pool.submit(closing(finish), run)
        async with watching(kind="run", run_id=run.run_id, viewer=watcher) as client:
            await until(lambda: b"event: end" in client.body)
    assert client.ids == [1, 2, 3, 4]


async def test_it_ends_when_the_right_to_look_is_lost(watcher: str) -> None:
    run = await make()
    async with watching(kind="api", run_id=run.run_id, viewer=watcher) as client:
        await until(lambda: client.ids == [1, 2])
        await elsewhere(User.objects.filter(username="vera").update)(is_active=False)
        await asyncio.sleep(0.5)
        await write(run, "not for vera")
        await asyncio.sleep(0.3)
    assert client.ids == [1, 2]


async def test_it_ends_when_the_run_is_deleted(watcher: str) -> None:
    run = await make()
    async with watching(kind="run", run_id=run.run_id, viewer=watcher) as client:
        await until(lambda: client.ids == [1, 2])
        delete, cancel = elsewhere(journal.delete_thread), elsewhere(journal.cancel)
        await cancel(run.run_id, requested_by="olga", source="page", reason="")
        await delete(run.thread_id, deleted_by="olga", source="page")
        await until(lambda: b"event: end" in client.body)


async def test_it_rings_lists_for_news_but_not_for_streamed_text(watcher: str) -> None:
    run = await make()
    async with watching(kind="inbox", viewer=watcher, after=10**9) as client:
        await until(lambda: client.status == 200)
        await write(run, "text")
        await asyncio.sleep(0.2)
        assert b"event: inbox" not in client.body
        await end(run)
        await until(lambda: b"event: inbox" in client.body)


async def test_it_refuses_more_streams_than_a_person_may_have(
    watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await make()
    monkeypatch.setattr(live, "_limit", lambda grant: 1)
    async with watching(kind="api", run_id=run.run_id, viewer=watcher) as first:
        await until(lambda: first.status == 200)
        async with watching(kind="api", run_id=run.run_id, viewer=watcher) as second:
            await until(lambda: second.status == 429)
    assert live.open_streams() == 0
