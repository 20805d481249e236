"""The processes of a sandbox as /proc shows them from outside: which they are, and what memory they hold."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

PAGE = os.sysconf("SC_PAGE_SIZE")


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


def free_memory() -> tuple[int, int]:
    """Bytes that this machine can still give out, and all that it has."""
    values = dict(line.split(":", 1) for line in _read("/proc/meminfo").splitlines() if ":" in line)
    available, total = (int(values[key].split()[0]) * 1024 for key in ("MemAvailable", "MemTotal"))
    return available, total


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
