"""A maintenance pass under way: it counts, keeps its turn, lets others write in between, stops in time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta

from runtime.journal import maintenance
from runtime.models import MaintenancePass

KEEP_PART = 4  #: the lease is extended when so small a part of it is over
LONGEST_PAUSE = 0.25


class Stopped(Exception):
    """The process has to end; the next pass goes on."""


class Progress:
    """What a pass has done so far."""

    def __init__(self, current: MaintenancePass, lease: timedelta, stopping: Callable[[], bool]) -> None:
        self.done: Counter[str] = Counter()
        self._current = current
        self._lease = lease
        self._stopping = stopping
        self._kept = self._began = time.monotonic()

    def add(self, counts: Mapping[str, int]) -> None:
        self.done.update(counts)

    def breathe(self) -> None:
        """Pauses for as long as it worked since the last pause: others get at least half of the time, since a
        writer that waits for SQLite's lock looks only now and then. Raises Stopped or TurnLost."""
        if self._stopping():
            raise Stopped
        now = time.monotonic()
        if now - self._kept > self._lease.total_seconds() / KEEP_PART:
            maintenance.keep_turn(self._current, self._lease, dict(self.done))
            self._kept = now
        time.sleep(min(now - self._began, LONGEST_PAUSE))
        self._began = time.monotonic()
