"""Who has live streams open in this process, and whether they may still look.

That is asked for all of them together every now and then, in one thread with one connection: thousands of
streams that asked for themselves would keep the events waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from asgiref.sync import sync_to_async

from runtime import access
from runtime.web.feed import Viewer

LOOK_SECONDS = 15.0  #: so soon somebody who lost the right to look stops seeing
logger = logging.getLogger(__name__)


class Audience:
    """One per process."""

    def __init__(self) -> None:
        self._streams: dict[str, set[Viewer]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def streams(self, name: str | None = None) -> int:
        """How many streams are open, of one (`person:ID`, `service:ID`) or of all."""
        found = self._streams.values() if name is None else [self._streams.get(name, set())]
        return sum(map(len, found))

    @contextmanager
    def seat(self, name: str, viewer: Viewer) -> Iterator[None]:
        """Counts a stream for the length of the block, and dismisses it when its right is lost."""
        self._streams[name].add(viewer)
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._look())
        try:
            yield
        finally:
            self._streams[name].discard(viewer)
            if not self._streams[name]:
                del self._streams[name]

    async def _look(self) -> None:
        while self._streams:
            await asyncio.sleep(LOOK_SECONDS)
            names = list(self._streams)
            try:
                allowed = await sync_to_async(access.may_still_view, thread_sensitive=False)(names)
            except Exception as error:
                # Whatever it was: it is asked again soon, and nobody is sent away for it.
                logger.warning("The rights of open streams could not be read (%s).", error)
                continue
            for name in set(names) - allowed:
                for viewer in self._streams.get(name, ()):
                    viewer.dismiss()
