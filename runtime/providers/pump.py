"""Runs one asynchronous model call inside an ordinary generator, in whatever thread asks for the next item.

The event loop lives and moves only while the generator is asked, so nothing runs behind the caller's back,
and closing the generator cancels the call and with it the socket, at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from runtime.providers.base import Reply, TextPiece, Tick

TICK_SECONDS = 0.1

Put = Callable[[str], None]
Work = Callable[[Put], Coroutine[Any, Any, Reply]]


class Mailbox:
    """Text on its way from the call to the reader."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._news = asyncio.Event()

    def put(self, text: str) -> None:
        """Hands text over; wakes the reader."""
        self._texts.append(text)
        self._news.set()

    def take(self) -> str:
        """All text so far."""
        text = "".join(self._texts)
        self._texts.clear()
        self._news.clear()
        return text

    async def wait(self) -> None:
        """Returns when there is text."""
        await self._news.wait()


def drive(work: Work) -> Iterator[TextPiece | Tick | Reply]:
    """Yields the text `work` puts, Tick while none comes, its Reply at last; raises what it raises."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        mailbox = Mailbox()
        task = runner.get_loop().create_task(work(mailbox.put))
        try:
            while not task.done():
                runner.run(_listen(mailbox, task))
                text = mailbox.take()
                if text:
                    yield TextPiece(text)
                elif not task.done():
                    yield Tick()
            yield task.result()
        finally:
            if not task.done():
                task.cancel()
                runner.run(_ended(task))


async def _listen(mailbox: Mailbox, task: asyncio.Task[Reply]) -> None:
    news = asyncio.ensure_future(mailbox.wait())
    try:
        await asyncio.wait((news, task), timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()


async def _ended(task: asyncio.Task[Reply]) -> None:
    await asyncio.wait((task,))
    if not task.cancelled():
        task.exception()  # taken, or asyncio complains that nobody did


def _new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_name_lookups())
    return loop


class _SharedExecutor(ThreadPoolExecutor):
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing: a loop that ends must neither stop the others' look-ups nor wait for a hanging one."""


@cache
def _name_lookups() -> ThreadPoolExecutor:
    # A loop's own executor is joined when the loop closes: a name server that does not answer would hold up
    # a cancelled call for as long as the resolver's patience lasts.
    return _SharedExecutor(max_workers=16, thread_name_prefix="name-lookup")
