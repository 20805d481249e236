"""The feed and its streams: every event once, in order, to the end, whatever happens to the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest

from runtime import catalogue, journal
from runtime.web import feed as feeds
from runtime.web.sources import Row, Source, postgresql
from tests.web.watching import closing, cut, elsewhere, end, finish, make, until, watching, write

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_streams_while_the_workspace_is_broken(watcher: str, settings: Any, tmp_path: Path) -> None:
    """Somebody is editing it; the page that says so is live, too."""
    (tmp_path / "workspace.yaml").write_text("kind: [")
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    try:
        async with watching(kind="inbox", viewer=watcher) as client:
            await until(lambda: client.status == 200)
    finally:
        catalogue.forget()


async def fail(self: Source, followed: Collection[str]) -> list[Row]:
    await asyncio.sleep(0)
    raise OSError("the disk is away")


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


async def test_it_loses_nothing_for_a_slow_client_when_its_connections_are_cut(
    watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "BROKEN_SECONDS", 2)  # time enough for what nobody is told
    run = await make()
    async with (
        watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as slow,
        watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as other,
    ):
        await until(lambda: slow.body != b"" and other.body != b"")
        slow.stops_at = b"id: 3\n"
        await write(run, "one")
        await until(lambda: slow.ids == [3])
        await write(run, "two")
        await until(lambda: other.ids == [3, 4])  # and so it waits for the slow one
        await cut()
        await write(run, "three")
        await write(run, "four")
        await until(lambda: other.ids == [3, 4, 5, 6])
        slow.reads.set()
        await write(run, "five")
        await until(lambda: slow.ids[-1] == 7)
    assert slow.ids == [3, 4, 5, 6, 7]


async def test_it_tells_a_slow_client_nothing_twice(watcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "POLL_SECONDS", 0.05)
    run = await make()
    async with (
        watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as slow,
        watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as other,
    ):
        await until(lambda: slow.body != b"" and other.body != b"")
        slow.stops_at = b"id: 3\n"
        await write(run, "one")
        await until(lambda: slow.ids == [3])
        await write(run, "two")
        await until(lambda: other.ids == [3, 4])
        await asyncio.sleep(0.3)  # some polls, and each of them hands the last event out
        slow.reads.set()
        await write(run, "three")
        await until(lambda: slow.ids[-1] == 5)
    assert slow.ids == [3, 4, 5]


async def test_it_goes_by_sequence_whatever_is_left_out_or_repeated(
    watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await make()
    async with (
        watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as slow,
        watching(kind="api", run_id=run.run_id, viewer=watcher, after=2) as other,
    ):
        await until(lambda: slow.body != b"" and other.body != b"")
        source = feeds.Feed.of_this_process().source
        read = type(source).news

        async def stutter(self: Source, followed: Collection[str]) -> list[Row]:
            rows = [row for row in await read(self, followed) if row[1] != 5]
            return [*rows, *rows]

        slow.stops_at = b"id: 3\n"
        await write(run, "one")
        await until(lambda: slow.ids == [3] and other.ids == [3])
        monkeypatch.setattr(type(source), "news", stutter)
        for text in ("two", "left out", "three"):
            await write(run, text)
        await until(lambda: other.ids == [3, 4, 5, 6])
        slow.reads.set()
        await write(run, "four")
        await until(lambda: slow.ids[-1] == 7)
    assert slow.ids == [3, 4, 5, 6, 7]


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
