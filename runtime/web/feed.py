"""The feed: reads new events once for all viewers of this process and hands each one out, rendered once.

It runs on the server's event loop, with one connection of its own, and only while somebody watches. It wakes
by `PRAGMA data_version`, which changes when another connection commits; that costs microseconds. On SQLite
row ids are commit order (one writer at a time), so "id above the last" misses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import orjson
from django.conf import settings

from runtime.events import EventType
from runtime.lifecycle import TERMINAL
from runtime.web.rows import render_row

WAKE_SECONDS = 0.01
BROKEN_SECONDS = 0.5
BUSY_SECONDS = 0.2  #: it runs on the event loop: nobody else moves while it waits
READ_ROWS = 500
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

    def push(self, events: Iterable[FeedEvent]) -> None:
        self.waiting.extend(events)
        if len(self.waiting) > MAX_WAITING:
            self.waiting.clear()
            self.too_slow = True
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
        self._connection: sqlite3.Connection | None = None
        self._last_id = 0

    @classmethod
    def of_this_process(cls) -> Feed:
        loop = asyncio.get_running_loop()
        if cls._present is None or cls._present._loop is not loop:
            cls._present = cls(loop)
        return cls._present

    def add(self, viewer: Viewer) -> None:
        """From now on the viewer gets every new event of its run (or of all runs)."""
        if self._task is None or self._task.done():
            self._last_id = self._one("SELECT coalesce(max(id), 0) FROM events")
            self._task = self._loop.create_task(self._run())
        (self._of_all if viewer.run_id is None else self._of_run[viewer.run_id]).add(viewer)

    def remove(self, viewer: Viewer) -> None:
        self._of_all.discard(viewer)
        if viewer.run_id is not None and viewer.run_id in self._of_run:
            self._of_run[viewer.run_id].discard(viewer)
            if not self._of_run[viewer.run_id]:
                del self._of_run[viewer.run_id]

    def backlog(self, run_id: str, after: int) -> Iterator[list[FeedEvent]]:
        """A run's events after a sequence, in batches."""
        while True:
            rows = self._rows(
                "SELECT run_id, sequence, type, event_json FROM events "
                "WHERE run_id = ? AND sequence > ? ORDER BY sequence LIMIT ?",
                (run_id, after, BACKLOG_ROWS),
            )
            if not rows:
                return
            after = rows[-1][1]
            yield [FeedEvent(*row) for row in rows]

    def has_news(self, after: int) -> bool:
        """Whether anything but streamed text came after the event with this id."""
        kind = EventType.OUTPUT_DELTA.value
        return bool(self._rows("SELECT 1 FROM events WHERE id > ? AND type != ? LIMIT 1", (after, kind)))

    def is_over(self, run_id: str) -> bool:
        """Whether the run has ended or is gone."""
        rows = self._rows("SELECT state FROM runs WHERE run_id = ?", (run_id,))
        return not rows or rows[0][0] in TERMINAL

    async def _run(self) -> None:
        version = -1
        while self._of_run or self._of_all:
            pause = WAKE_SECONDS
            try:
                present = self._one("PRAGMA data_version")
                if present != version:
                    version = present
                    self._hand_out()
            except sqlite3.Error:
                # Viewers stay, and go on from the last event that was handed out.
                logger.warning("The feed could not read the records; trying again.", exc_info=True)
                self._close()
                version, pause = -1, BROKEN_SECONDS
            await asyncio.sleep(pause)
        self._close()

    def _hand_out(self) -> None:
        while True:
            rows = self._rows(
                "SELECT id, run_id, sequence, type, event_json FROM events WHERE id > ? ORDER BY id LIMIT ?",
                (self._last_id, READ_ROWS),
            )
            if not rows:
                return
            self._last_id = rows[-1][0]
            by_run: dict[str, list[FeedEvent]] = defaultdict(list)
            for _, run_id, sequence, kind, text in rows:
                by_run[run_id].append(FeedEvent(run_id, sequence, kind, text))
            for run_id, events in by_run.items():
                for viewer in (*self._of_run.get(run_id, ()), *self._of_all):
                    viewer.push(events)
            if len(rows) < READ_ROWS:
                return

    # The connection is made when first needed and closed when nobody watches.

    def _rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=BUSY_SECONDS)
            self._connection.execute("PRAGMA query_only = ON")
        return self._connection.execute(sql, parameters).fetchall()

    def _one(self, sql: str) -> int:
        return int(self._rows(sql)[0][0])

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
