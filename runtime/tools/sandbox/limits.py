"""What one command may use, in all."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes. A command that goes beyond one of them is refused more, or stopped.

    `memory`: of all its processes together, and of each. `temporary`: what /tmp holds, memory as well.
    `sockets`: of all its processes together; what waits in them is the kernel's memory and no process's.
    `folder` and `folder_entries`: what the thread's folder may grow to, looked at while much is written.
    `output`: what it may print, shown or not.
    """

    seconds: float = 60.0
    memory: int = 1024 * MIB
    processes: int = 128
    open_files: int = 256
    sockets: int = 1024
    file: int = 512 * MIB
    temporary: int = 64 * MIB
    temporary_entries: int = 20_000
    folder: int = 2048 * MIB
    folder_entries: int = 200_000
    output: int = 64 * MIB


def size(count: int) -> str:
    """A number of bytes as a sentence may say it: `64 MiB`."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return f"{count} bytes"
