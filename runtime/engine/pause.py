"""The wait before another try of a model call, when it is too short to park the run for."""

from __future__ import annotations

import time

from runtime import journal
from runtime.engine.context import Context

LOOK_SECONDS = 0.1


class Pause:
    """An Effect: waits as long as the context says, then the pause is over."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(self) -> None:
        """See Effect."""
        journal.release()
        end = time.monotonic() + self._context.pause
        while (left := end - time.monotonic()) > 0:
            self._context.held.check()
            time.sleep(min(left, LOOK_SECONDS))

    def record(self, entry: journal.Entry) -> None:
        """Nothing: when the next try comes is said already."""
        self._context.pause = 0.0

    def recorded(self) -> None:
        """Nothing."""
