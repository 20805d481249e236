"""How many requests that may write are at work at once; the others wait in a line that holds no thread.

While somebody else keeps the records locked, each of them waits for the whole patience of the database. They
must not take every thread, or every connection, of those who only read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness_site.databases import WAIT_SECONDS, WEB_CONNECTIONS

READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: Of the connections, which are fewer than the threads. More would not write more: writers take turns.
PLACES = WEB_CONNECTIONS * 3 // 4
LINE = 500  #: requests that wait; each keeps its body in memory


class Crowded(Exception):
    """Too many wait already, or no place came free for as long as anyone waits for a lock."""


class Admission:
    """One process's places and its line; used in one event loop. First come, first served."""

    def __init__(self, places: int = PLACES, line: int = LINE, seconds: float = WAIT_SECONDS) -> None:
        self._places = asyncio.Semaphore(places)
        self._line = line
        self._seconds = seconds
        self._waiting = 0

    @asynccontextmanager
    async def place(self, method: str) -> AsyncIterator[None]:
        """The block is a request at work; at once for one that reads. Raises Crowded."""
        if method in READING:
            yield
            return
        await self._enter()
        try:
            yield
        finally:
            self._places.release()

    async def _enter(self) -> None:
        if self._places.locked() and self._waiting >= self._line:
            raise Crowded
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._places.acquire()
        except TimeoutError:
            raise Crowded from None
        finally:
            self._waiting -= 1
