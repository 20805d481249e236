"""The processes of a sandbox as /proc shows them from outside: which they are, what memory and sockets they
hold; and the memory of the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

PAGE = os.sysconf("SC_PAGE_SIZE")


#: In /proc/meminfo, what the kernel holds for itself and gives back to nobody who is short of memory. What is
#: left of the whole is no measure of it: a driver of a virtual machine takes and gives there as it likes.
THE_KERNELS = ("SUnreclaim", "VmallocUsed", "PageTables", "Percpu")


class Machine(NamedTuple):
    """Bytes that this machine can still give out, all that it has, and what its kernel holds for itself."""

    available: int
    total: int
    kernel: int


def tree(first: int) -> list[int]:
    """The process and all below it. None can leave the tree: orphans become children of the first process."""
    found, waiting = [], [first]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def memory(pids: Iterable[int], enough: int) -> int:
    """Bytes that they hold together. Beyond `enough`, where it matters, shared pages are counted once."""
    pids = list(pids)
    resident = sum(_resident(pid) for pid in pids)
    return resident if resident <= enough else sum(_proportional(pid) for pid in pids)


def temporary(first: int) -> tuple[int, int]:
    """Bytes and entries of the sandbox's own memory file systems."""
    size = entries = 0
    for place in ("tmp", "dev/shm"):  # noqa: S108
        with suppress(OSError):
            state = os.statvfs(f"/proc/{first}/root/{place}")
            size += (state.f_blocks - state.f_bfree) * state.f_frsize
            entries += state.f_files - state.f_ffree
    return size, entries


def sockets(first: int) -> int:
    """How many there are in the sandbox's network, which is its own; also those on their way in another."""
    words = _read(f"/proc/{first}/net/sockstat").split()
    return int(words[2]) if words[:2] == ["sockets:", "used"] else 0


def machine() -> Machine:
    """The memory of this machine."""
    lines = (line.split() for line in _read("/proc/meminfo").splitlines())
    values = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines}
    kernel = sum(values.get(name, 0) for name in THE_KERNELS)
    return Machine(values["MemAvailable"], values["MemTotal"], kernel)


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * PAGE if len(fields) > 1 else 0


def _proportional(pid: int) -> int:
    """Without the pages of files, which the kernel takes back when it needs memory."""
    kinds = ("Pss_Anon:", "Pss_Shmem:")
    lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith(kinds)]
    return sum(found) if found else _resident(pid)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
