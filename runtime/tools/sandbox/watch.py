"""What ends a command that does not end by itself: time, a cancel, and limits that the kernel does not keep.

The kernel's own limits are per process. What all processes of a command hold together is looked at twenty
times a second; a control group keeps it as well where one is permitted (`cgroup.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from runtime.tools.sandbox import ownership, processes
from runtime.tools.sandbox.limits import MIB, Limits, size

LOOK_SECONDS = 0.05
DISK_SECONDS = 0.25
NOTABLE_BYTES, NOTABLE_ENTRIES = 64 * MIB, 10_000  # written since the folder was measured


class Watch:
    """Over one command. `look()` is cheap; call it at least every LOOK_SECONDS."""

    def __init__(self, first: int, folder: Path, limits: Limits, cancelled: Callable[[], bool]) -> None:
        self._first = first
        self._folder = folder
        self._limits = limits
        self._cancelled = cancelled
        self._began = self._next = self._next_disk = time.monotonic()
        self._free = self._space()

    @property
    def seconds(self) -> float:
        """Since the command began."""
        return time.monotonic() - self._began

    def look(self) -> str:
        """Why the command must end now, as the end of a sentence; empty when it may go on."""
        now = time.monotonic()
        if now < self._next:
            return ""
        self._next = now + LOOK_SECONDS
        if self._cancelled():
            return "it was cancelled"
        if self.seconds >= self._limits.seconds:
            return f"it took longer than {self._limits.seconds:g} s"
        if reason := self._memory():
            return reason
        if now < self._next_disk:
            return ""
        self._next_disk = now + DISK_SECONDS
        return self._disk()

    def _memory(self) -> str:
        limit = self._limits.memory
        in_files, entries = processes.temporary(self._first)
        if entries > self._limits.temporary_entries:
            return f"it made more than {self._limits.temporary_entries:,} files in /tmp"
        if processes.memory(processes.tree(self._first), limit - in_files) + in_files > limit:
            return f"its processes together used more than {size(limit)} of memory"
        available, total = processes.free_memory()
        if available < min(total // 32, 256 * MIB):
            return "this machine has hardly any memory left"
        return ""

    def _disk(self) -> str:
        free, entries, total = self._space()
        if free < min(total // 50, 1024 * MIB):
            return "the disk is nearly full"
        before, entries_before, _ = self._free
        if before - free < NOTABLE_BYTES and entries_before - entries < NOTABLE_ENTRIES:
            self._free = max(before, free), max(entries_before, entries), total
            return ""
        self._free = free, entries, total
        limits = self._limits
        used, found = ownership.measure(self._folder, limits.folder, limits.folder_entries)
        if used > limits.folder:
            return f"the working folder holds more than {size(limits.folder)}"
        if found > limits.folder_entries:
            return f"the working folder holds more than {limits.folder_entries:,} files"
        return ""

    def _space(self) -> tuple[int, int, int]:
        """Free bytes, free entries and all bytes of the folder's file system."""
        state = os.statvfs(self._folder)
        return state.f_bavail * state.f_frsize, state.f_ffree, state.f_blocks * state.f_frsize
