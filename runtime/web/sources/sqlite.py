"""The feed's source on SQLite: one connection, read on the event loop, since a read takes microseconds.

It wakes by `PRAGMA data_version`, which changes when another connection commits. Row ids are commit order
there (one writer at a time), so "id above the last" misses nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection
from typing import Any

from django.db import connection

from runtime.events import EventType
from runtime.web.sources import Row

WAKE_SECONDS = 0.01
BUSY_SECONDS = 0.2  #: nobody else on the event loop moves while it waits
READ_ROWS = 500
# With what the row of an event still says whose payload was emptied; as `Event.body`.
_OF_RUN = """
SELECT run_id, sequence, type,
CASE event_json WHEN '' THEN json_object('type', type, 'thread_id', thread_id, 'run_id', run_id,
'sequence', sequence, 'timestamp', replace(created_at, ' ', 'T') || 'Z', 'text', '')
ELSE event_json END
FROM events WHERE run_id = ? AND sequence > ? ORDER BY sequence LIMIT ?
"""


class SQLite:
    """See `runtime.web.sources.Source`."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._version = -1
        self._last_id = 0

    async def open(self) -> None:
        self._last_id = self._one("SELECT coalesce(max(id), 0) FROM events")

    async def news(self, followed: Collection[str]) -> list[Row]:
        version = self._one("PRAGMA data_version")
        if version == self._version:
            await asyncio.sleep(WAKE_SECONDS)
            return []
        found = self._rows(
            "SELECT id, run_id, sequence, type, event_json FROM events WHERE id > ? ORDER BY id LIMIT ?",
            (self._last_id, READ_ROWS),
        )
        if found:
            self._last_id = found[-1][0]
        if len(found) < READ_ROWS:
            self._version = version
        return [(run_id, sequence, kind, text) for _, run_id, sequence, kind, text in found]

    async def events(self, run_id: str, after: int, limit: int) -> list[Row]:
        return self._rows(_OF_RUN, (run_id, after, limit))

    async def state(self, run_id: str) -> str | None:
        rows = self._rows("SELECT state FROM runs WHERE run_id = ?", (run_id,))
        return str(rows[0][0]) if rows else None

    async def has_news(self, after: int) -> bool:
        kind = EventType.OUTPUT_DELTA.value
        return bool(self._rows("SELECT 1 FROM events WHERE id > ? AND type != ? LIMIT 1", (after, kind)))

    async def close(self) -> None:
        self._version = -1
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # The connection is made when first needed and closed when nobody watches, or when it broke.

    def _rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        try:
            if self._connection is None:
                name = connection.settings_dict["NAME"]
                self._connection = sqlite3.connect(name, timeout=BUSY_SECONDS)
                self._connection.execute("PRAGMA query_only = ON")
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            broken, self._connection, self._version = self._connection, None, -1
            if broken is not None:
                broken.close()
            raise OSError(str(error)) from error

    def _one(self, sql: str) -> int:
        return int(self._rows(sql)[0][0])
