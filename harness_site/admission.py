"""How many requests that may write are at work at once; the others wait in a line that holds no thread.

While somebody else keeps the records locked, each of them waits for the whole patience of the database. They
must not take every thread, or every connection, of those who only read.

Nor do they come in all at once where writers take turns anyway (SQLite): threads that write side by side pass
the interpreter and the file's lock to and fro, which costs up to half as much again as what they do. The next
one comes in when the last one is done, or when that takes so long that it surely waits for something.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from harness_site.databases import WAIT_SECONDS, WEB_CONNECTIONS

READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: Of the connections, which are fewer than the threads. More would not write more: writers take turns.
PLACES = WEB_CONNECTIONS * 3 // 4
LINE = 500  #: requests that wait; each keeps its body in memory
PACE_SECONDS = 0.005  #: so long the last one in works alone; most are done by then


class Crowded(Exception):
    """Too many wait already, or no place came free for as long as anyone waits for a lock."""


class Admission:
    """One process's places and its line; used in one event loop. First come, first served."""

    def __init__(
        self,
        places: int = PLACES,
        line: int = LINE,
        seconds: float = WAIT_SECONDS,
        pace: float = PACE_SECONDS,
    ) -> None:
        self._places = asyncio.Semaphore(places)
        self._door = asyncio.Semaphore(1)
        self._line = line
        self._seconds = seconds
        self._pace = pace
        self._waiting = 0

    @asynccontextmanager
    async def place(self, method: str) -> AsyncIterator[None]:
        """The block is a request at work; at once for one that reads. Raises Crowded."""
        if method in READING:
            yield
            return
        await self._enter()
        open_door = self._hold_door()
        try:
            yield
        finally:
            open_door()
            self._places.release()

    async def _enter(self) -> None:
        if self._places.locked() and self._waiting >= self._line:
            raise Crowded
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._take_place()
        except TimeoutError:
            raise Crowded from None
        finally:
            self._waiting -= 1

    async def _take_place(self) -> None:
        await self._places.acquire()
        try:
            await self._door.acquire()
        except BaseException:
            self._places.release()
            raise

    def _hold_door(self) -> Callable[[], None]:
        """The door opens for the next one when the pace has passed, or before, by the call that is given."""
        held = True

        def open_door() -> None:
            nonlocal held
            if held:
                held = False
                self._door.release()

        timer = asyncio.get_running_loop().call_later(self._pace, open_door)

        def done() -> None:
            timer.cancel()
            open_door()

        return done
