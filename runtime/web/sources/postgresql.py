"""The feed's source on PostgreSQL: one connection that listens, one that reads.

The journal sends a NOTIFY with every entry; it arrives when that entry is committed, and names its run and
its first and last sequence. Row ids are not commit order here, so nothing goes by them; a run's sequences
are, because an entry locks its run. A word that was lost costs POLL_SECONDS.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from runtime.events import EventType
from runtime.journal.entry import CHANNEL
from runtime.journal.postgresql import address
from runtime.web.sources import Row

POLL_SECONDS = 5.0
_READ_ONLY = "default_transaction_read_only=on"
_EVENTS = "SELECT events.run_id, sequence, type, event_json FROM events"
# With what the row of an event still says whose payload was emptied; as `Event.body`.
_OF_RUN = """
SELECT run_id, sequence, type, CASE event_json WHEN '' THEN json_build_object('type', type,
'thread_id', thread_id, 'run_id', run_id, 'sequence', sequence, 'timestamp',
to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
'text', '')::text ELSE event_json END
FROM events WHERE run_id = %s AND sequence > %s ORDER BY sequence LIMIT %s
"""
_OF_ENTRIES = f"""
{_EVENTS} JOIN unnest(%s::text[], %s::int[], %s::int[]) AS entry (run_id, first, last)
ON events.run_id = entry.run_id AND events.sequence BETWEEN entry.first AND entry.last
ORDER BY events.run_id, sequence
"""
_LATEST = f"""
{_EVENTS} JOIN runs ON runs.run_id = events.run_id AND runs.last_sequence = events.sequence
WHERE runs.run_id = ANY(%s)
"""
# An entry that was about to be committed when the page was made may have a smaller id.
_NEWS = f"""
SELECT 1 FROM events WHERE id > %s - 1000 AND type <> '{EventType.OUTPUT_DELTA}'
AND (id > %s OR created_at > now() - interval '10 seconds') LIMIT 1
"""  # noqa: S608 - a name of ours
_SOMEWHERE: Row = ("", 0, "", "")


class PostgreSQL:
    """See `runtime.web.sources.Source`."""

    def __init__(self) -> None:
        self._listener: psycopg.AsyncConnection[Any] | None = None
        self._reader: psycopg.AsyncConnection[Any] | None = None
        self._connecting = asyncio.Lock()
        self._changed: object = None  # the newest change of any run at the last poll

    async def open(self) -> None:
        async with self._failing():
            if self._listener is None:
                self._listener = await psycopg.AsyncConnection.connect(**address())
                await self._listener.execute(f"LISTEN {CHANNEL}")

    async def news(self, followed: Collection[str]) -> list[Row]:
        if self._listener is None:
            await self.open()
            return [*await self._latest(followed), _SOMEWHERE]
        entries: dict[str, tuple[int, int]] = {}
        elsewhere = heard = False
        async with self._failing():
            async for note in self._listener.notifies(timeout=POLL_SECONDS, stop_after=1):
                heard = True
                run_id, first, last, news = note.payload.split(" ")
                if run_id in followed:
                    entries[run_id] = (entries.get(run_id, (int(first), 0))[0], int(last))
                else:
                    elsewhere = elsewhere or news == "1"
        if not heard:
            return await self._poll(followed)
        rows = await self._read(_OF_ENTRIES, *self._columns(entries)) if entries else []
        return [*rows, _SOMEWHERE] if elsewhere else rows

    @staticmethod
    def _columns(entries: dict[str, tuple[int, int]]) -> tuple[list[str], list[int], list[int]]:
        return list(entries), [first for first, _ in entries.values()], [last for _, last in entries.values()]

    async def _poll(self, followed: Collection[str]) -> list[Row]:
        """What is there, in case that nobody was told."""
        [(newest,)] = await self._read("SELECT max(updated_at) FROM runs")
        rows = await self._latest(followed)
        if newest != self._changed:
            self._changed = newest
            rows.append(_SOMEWHERE)
        return rows

    async def _latest(self, followed: Collection[str]) -> list[Row]:
        return await self._read(_LATEST, list(followed)) if followed else []

    async def events(self, run_id: str, after: int, limit: int) -> list[Row]:
        return await self._read(_OF_RUN, run_id, after, limit)

    async def state(self, run_id: str) -> str | None:
        rows = await self._read("SELECT state FROM runs WHERE run_id = %s", run_id)
        return str(rows[0][0]) if rows else None

    async def has_news(self, after: int) -> bool:
        return bool(await self._read(_NEWS, after, after))

    async def close(self) -> None:
        for connection in (self._listener, self._reader):
            if connection is not None:
                await connection.close()
        self._listener = self._reader = None

    async def _read(self, sql: str, *parameters: Any) -> list[Any]:
        async with self._failing():
            async with self._connecting:  # many may ask at once after a break
                reader = self._reader or await psycopg.AsyncConnection.connect(**address(_READ_ONLY))
                self._reader = reader
            cursor = await reader.execute(sql, parameters)
            return await cursor.fetchall()

    @asynccontextmanager
    async def _failing(self) -> AsyncIterator[None]:
        """A broken connection is closed, the next use makes a new one."""
        try:
            yield
        except psycopg.Error as error:
            await self.close()
            raise ConnectionError(str(error).strip().splitlines()[0]) from error
