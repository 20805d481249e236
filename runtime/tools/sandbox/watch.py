"""What ends a command that does not end by itself: time, a cancel, and limits that the kernel does not keep.

The kernel's own limits are per process. What all processes of a command hold together is looked at twenty
times a second; a control group keeps it as well where one is permitted (`cgroup.py`).

What the kernel holds for a command, and no process, is told by a control group alone. The worst of it is
refused (`syscalls.py`) or counted (sockets); of the rest only the machine's sum is known. A command is ended
when memory is short (`SHORT`) and that sum has grown by more than the command's limit since it began. What
other processes take, and what lies in files, is not in the sum. Whether another command made it grow cannot
be seen: then all that ran meanwhile are ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from runtime.tools.sandbox import ownership, processes
from runtime.tools.sandbox.limits import MIB, Limits, size

LOOK_SECONDS = 0.05
DISK_SECONDS = 0.25
SHORT, LOW = 8, 32  # of the machine's memory, this part or less can still be had
NOTABLE_BYTES, NOTABLE_ENTRIES = 64 * MIB, 10_000  # written since the folder was measured


class _Space(NamedTuple):
    """Of the folder's file system: bytes and entries that are free, bytes in all."""

    free: int
    entries: int
    total: int


class Watch:
    """Over one command. `look()` is cheap; call it at least every LOOK_SECONDS."""

    def __init__(self, first: int, folder: Path, limits: Limits, cancelled: Callable[[], bool]) -> None:
        self._first = first
        self._folder = folder
        self._limits = limits
        self._cancelled = cancelled
        self._began = self._next_look = self._next_disk = time.monotonic()
        self._at_start = self._measured_at = self._space()
        self._kernel_at_start = processes.machine().kernel

    @property
    def seconds(self) -> float:
        """Since the command began."""
        return time.monotonic() - self._began

    def look(self) -> str:
        """Why the command must end now, as the end of a sentence; empty when it may go on."""
        now = time.monotonic()
        if now < self._next_look:
            return ""
        self._next_look = now + LOOK_SECONDS
        if self._cancelled():
            # Of a cancelled run nothing is recorded any more: who reads this was stopped with the worker.
            return "its worker was stopped, and nobody decided about it; what it did until then stays"
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
        if processes.sockets(self._first) > self._limits.sockets:
            return f"its processes together opened more than {self._limits.sockets:,} sockets"
        used = processes.memory(processes.tree(self._first), limit - in_files) + in_files
        if used > limit:
            return f"its processes together used more than {size(limit)} of memory"
        return self._shortage(used)

    def _shortage(self, used: int) -> str:
        limit = self._limits.memory
        machine = processes.machine()
        grown = max(machine.kernel - self._kernel_at_start, 0)
        if machine.available < machine.total // SHORT and grown > limit:
            return f"memory is short and the kernel's own grew by more than {size(limit)} while it ran"
        if machine.available < min(machine.total // LOW, 256 * MIB) and used + grown > NOTABLE_BYTES:
            return "this machine has hardly any memory left"
        return ""

    def _disk(self) -> str:
        now = self._space()
        if now.free < min(now.total // 50, 1024 * MIB) and self._at_start.free - now.free > MIB:
            return "the disk is nearly full"  # one that only tidies up may go on
        before = self._measured_at
        if before.free - now.free < NOTABLE_BYTES and before.entries - now.entries < NOTABLE_ENTRIES:
            return ""
        self._measured_at = now
        limits = self._limits
        found = ownership.measure(self._folder, limits.folder, limits.folder_entries)
        if found.hidden:
            return f"the working folder {found.hidden}"
        # What this command wrote and time did not let us count, the disk has lost since, if not to others.
        used = found.size if found.whole else max(found.size, self._at_start.free - now.free)
        if used > limits.folder:
            return f"the working folder holds more than {size(limits.folder)}"
        if found.entries > limits.folder_entries:
            return f"the working folder holds more than {limits.folder_entries:,} files"
        return ""

    def _space(self) -> _Space:
        state = os.statvfs(self._folder)
        return _Space(state.f_bavail * state.f_frsize, state.f_ffree, state.f_blocks * state.f_frsize)
