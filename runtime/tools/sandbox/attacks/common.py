"""What the attacks share. Standard library only."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

ARM = platform.machine() == "aarch64"
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Facts:
    """What the attacker is told, to make it easy: places, ports and limits outside."""

    secret: str  # the text in the files outside
    readable: str  # path of a file that every user may read
    private: str  # path of one that only the worker may read
    port: int  # TCP, listened at on loopback
    socket: str  # name of a unix socket in the working folder, listened at
    abstract: str  # name of an abstract one
    worker: int  # pid of the worker
    processes: int
    open_files: int
    sockets: int
    memory: int
    file: int
    temporary: int


Attack = Callable[[Facts], Iterator[str]]


def managed(what: str, action: Callable[[], object]) -> Iterator[str]:
    """The words, when the action ends without an error; unless it returns False."""
    try:
        result = action()
    except (OSError, MemoryError, ValueError):
        return
    if result is not False:
        yield what


def call(x86_64: int, aarch64: int, *arguments: object) -> int:
    """A system call by its number on this processor; raises OSError."""
    ctypes.set_errno(0)
    result: int = _libc.syscall(ctypes.c_long(aarch64 if ARM else x86_64), *arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def calls(table: Iterable[tuple[str, int, int, tuple[object, ...]]]) -> Iterator[str]:
    """Tries system calls by name; an error that is no refusal means that the kernel took it seriously."""
    for name, x86_64, aarch64, arguments in table:
        if reached(lambda: call(x86_64, aarch64, *arguments)):  # noqa: B023
            yield name


def reached(action: Callable[[], object]) -> bool:
    """Whether the kernel did the act, or failed at it for another reason than that it may not be done."""
    try:
        action()
    except OSError as error:
        return error.errno not in REFUSALS
    return True


REFUSALS = {1, 13, 38, 97}  # EPERM, EACCES, ENOSYS, EAFNOSUPPORT


def read(path: str, size: int = 1 << 16) -> bytes:
    """The beginning of a file, without waiting for a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def own_processes() -> list[str]:
    """The pids that /proc shows."""
    return [name for name in os.listdir("/proc") if name.isdigit()]
