"""The feed: reads new events once for all viewers of this process and hands each one out, rendered once.

It runs on the server's event loop, and only while somebody watches. How it learns of a commit, and how it
reads, is the database's business (`runtime/web/sources/`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from functools import cached_property
from typing import Any

import orjson

from runtime.events import EventType
from runtime.lifecycle import TERMINAL
from runtime.web import sources
from runtime.web.rows import render_row

BROKEN_SECONDS = 0.5
BACKLOG_ROWS = 50
MAX_WAITING = 2_000  #: messages a viewer may lag behind before it is closed; it reconnects where it was


logger = logging.getLogger(__name__)


class FeedEvent:
    """One event on its way to viewers; each rendering is made once."""

    __slots__ = ("__dict__", "json", "run_id", "sequence", "type")

    def __init__(self, run_id: str, sequence: int, kind: str, text: str) -> None:
        self.run_id = run_id
        self.sequence = sequence
        self.type = kind
        self.json = text

    @cached_property
    def body(self) -> dict[str, Any]:
        value: dict[str, Any] = orjson.loads(self.json) if self.json else {}
        return value

    @cached_property
    def ends(self) -> bool:
        """Whether the run is over with this event."""
        return self.type == EventType.RUN_STATE_CHANGED and self.body.get("to") in TERMINAL

    @cached_property
    def for_api(self) -> bytes:
        return message(self.json, event=self.type, sequence=self.sequence)

    @cached_property
    def for_page(self) -> bytes:
        """Streamed text as JSON for the page's script, any other event as a ready row."""
        if self.type == EventType.OUTPUT_DELTA:
            delta = {"seq": self.sequence, "call": self.body.get("call"), "text": self.body.get("text", "")}
            return message(orjson.dumps(delta).decode(), event="delta", sequence=self.sequence)
        return message(render_row(self.body), event="row", sequence=self.sequence)


def message(data: str, *, event: str, sequence: int | None = None) -> bytes:
    """One server-sent event."""
    lines = [] if sequence is None else [f"id: {sequence}"]
    lines.append(f"event: {event}")
    # Only these end a line in a stream; splitlines() would also cut at U+2028 and the like, inside a text.
    lines += [f"data: {line}" for line in data.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


class Viewer:
    """One open stream: what waits to be sent to it."""

    def __init__(self, run_id: str | None) -> None:
        self.run_id = run_id
        self.waiting: list[FeedEvent] = []
        self.rung = asyncio.Event()
        self.too_slow = False
        self.dismissed = False

    def push(self, events: Iterable[FeedEvent]) -> None:
        self.waiting.extend(events)
        if len(self.waiting) > MAX_WAITING:
            self.waiting.clear()
            self.too_slow = True
        self.rung.set()

    def dismiss(self) -> None:
        """Ends the stream: whoever watches may not any more."""
        self.dismissed = True
        self.waiting.clear()
        self.rung.set()

    def take(self) -> list[FeedEvent]:
        """What came since the last call."""
        self.rung.clear()
        taken, self.waiting = self.waiting, []
        return taken


class Feed:
    """One per process and event loop."""

    _present: Feed | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._of_run: dict[str, set[Viewer]] = defaultdict(set)
        self._of_all: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._open = asyncio.Event()
        self.source = sources.of_the_records()

    @classmethod
    def of_this_process(cls) -> Feed:
        loop = asyncio.get_running_loop()
        if cls._present is None or cls._present._loop is not loop:
            cls._present = cls(loop)
        return cls._present

    async def add(self, viewer: Viewer) -> None:
        """From now on the viewer gets every new event of its run (or of all runs)."""
        (self._of_all if viewer.run_id is None else self._of_run[viewer.run_id]).add(viewer)
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._run())
        await self._open.wait()

    def remove(self, viewer: Viewer) -> None:
        self._of_all.discard(viewer)
        if viewer.run_id is not None and viewer.run_id in self._of_run:
            self._of_run[viewer.run_id].discard(viewer)
            if not self._of_run[viewer.run_id]:
                del self._of_run[viewer.run_id]

    async def backlog(self, run_id: str, after: int) -> AsyncIterator[list[FeedEvent]]:
        """A run's events after a sequence, in batches."""
        while rows := await self.source.events(run_id, after, BACKLOG_ROWS):
            after = rows[-1][1]
            yield [FeedEvent(*row) for row in rows]

    async def has_news(self, after: int) -> bool:
        """Whether anything but streamed text came after the event with this id."""
        return await self.source.has_news(after)

    async def is_over(self, run_id: str) -> bool:
        """Whether the run has ended or is gone."""
        state = await self.source.state(run_id)
        return state is None or state in TERMINAL

    async def _run(self) -> None:
        try:
            while self._of_run or self._of_all:
                await self._once()
                if not (self._of_run or self._of_all):
                    self._open.clear()
                    await self.source.close()  # whoever comes meanwhile waits until it is open again
        finally:
            await self.source.close()

    async def _once(self) -> None:
        try:
            if not self._open.is_set():
                await self.source.open()
                self._open.set()
            self._hand_out(await self.source.news(self._of_run.keys()))
        except Exception as error:
            # Whatever it was: viewers stay, and go on from the last event that they were given.
            logger.warning("The feed could not read the records (%s); trying again.", error)
            await asyncio.sleep(BROKEN_SECONDS)

    def _hand_out(self, rows: Iterable[sources.Row]) -> None:
        by_run: dict[str, list[FeedEvent]] = defaultdict(list)
        for row in rows:
            by_run[row[0]].append(FeedEvent(*row))
        for run_id, events in by_run.items():
            for viewer in (*self._of_run.get(run_id, ()), *self._of_all):
                viewer.push(events)
