"""Who has live streams open in this process, and whether they may still look.

That is asked for all of them together every now and then, in one thread with one connection: thousands of
streams that asked for themselves would keep the events waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from asgiref.sync import sync_to_async

from runtime import viewing
from runtime.web.feed import Viewer

LOOK_SECONDS = 15.0  #: so soon somebody who lost the right to look stops seeing
logger = logging.getLogger(__name__)


class Audience:
    """One per process."""

    def __init__(self) -> None:
        self._streams: dict[str, set[Viewer]] = defaultdict(set)  #: by viewer, as `runtime.viewing` has it
        self._of: Counter[str] = Counter()  #: how many each name has open
        self._task: asyncio.Task[None] | None = None

    def streams(self, name: str | None = None) -> int:
        """How many streams are open, of one (`person:ID`, `service:ID`) or of all."""
        return self._of.total() if name is None else self._of[name]

    @contextmanager
    def seat(self, who: str, viewer: Viewer) -> Iterator[None]:
        """Counts a stream for the length of the block, and dismisses it when its right is lost."""
        name = viewing.name_of(who)
        self._streams[who].add(viewer)
        self._of[name] += 1
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._look())
        try:
            yield
        finally:
            self._streams[who].discard(viewer)
            if not self._streams[who]:
                del self._streams[who]
            self._of[name] -= 1
            if not self._of[name]:
                del self._of[name]

    async def _look(self) -> None:
        while self._streams:
            await asyncio.sleep(LOOK_SECONDS)
            seated = list(self._streams)
            try:
                allowed = await sync_to_async(viewing.may_still_view, thread_sensitive=False)(seated)
            except Exception as error:
                # Whatever it was: it is asked again soon, and nobody is sent away for it.
                logger.warning("The rights of open streams could not be read (%s).", error)
                continue
            for who in set(seated) - allowed:
                for viewer in self._streams.get(who, ()):
                    viewer.dismiss()
