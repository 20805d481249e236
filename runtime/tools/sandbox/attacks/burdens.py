"""Attacks on the machine's strength: memory, processes, files. Standard library only."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from runtime.tools.sandbox.attacks.common import Attack, Facts, managed

BEAT = "beat"


def memory(facts: Facts) -> Iterator[str]:
    """More memory than one process may have."""
    yield from managed("hold twice the memory", partial(bytearray, 2 * facts.memory))


def memory_of_all(facts: Facts) -> Iterator[str]:
    """More memory than all may have together, little in each."""
    share = facts.memory // 2
    for _child in range(6):
        if os.fork() == 0:
            held = bytearray(os.urandom(4096)) * (share // 4096)
            time.sleep(60)
            os._exit(len(held) % 2)
    time.sleep(5)
    yield "hold three times the memory together"


def sockets_of_all(facts: Facts) -> Iterator[str]:
    """More sockets than all may have together: what waits in them is memory that no process holds."""
    pairs = 20
    children = facts.sockets // (2 * pairs) + 1
    for _child in range(children):
        if os.fork() == 0:
            held = [socket.socketpair() for _ in range(pairs)]
            time.sleep(60)
            os._exit(len(held) % 2)
    time.sleep(5)
    yield f"have {children * 2 * pairs} sockets"


def buffers(_: Facts) -> Iterator[str]:
    """More room in a socket or a pipe than the kernel gives of itself."""
    one, other = socket.socketpair()
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        before = one.getsockopt(socket.SOL_SOCKET, option)
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, option, before)  # the kernel doubles what is asked for
        if one.getsockopt(socket.SOL_SOCKET, option) > before:
            yield "enlarge the buffer of a socket"
    reading, writing = os.pipe()
    yield from managed("enlarge a pipe", partial(fcntl.fcntl, writing, fcntl.F_SETPIPE_SZ, 1 << 20))
    for end in (one, other):
        end.close()
    os.close(reading)
    os.close(writing)


def forks(facts: Facts) -> Iterator[str]:
    """More processes than allowed."""
    children: list[int] = []
    with suppress(OSError):
        while len(children) <= facts.processes:
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
    if len(children) >= facts.processes:
        yield f"have {len(children)} children"
    for child in children:
        os.kill(child, 9)
    for child in children:
        os.waitpid(child, 0)


def open_files(facts: Facts) -> Iterator[str]:
    """More open files than allowed."""
    opened: list[int] = []
    with suppress(OSError):
        while len(opened) <= facts.open_files:
            opened.append(os.open("/dev/null", os.O_RDONLY))
    if len(opened) >= facts.open_files:
        yield f"open {len(opened)} files"
    for descriptor in opened:
        os.close(descriptor)


def file_size(facts: Facts) -> Iterator[str]:
    """A file larger than allowed, were it only in name."""
    for place in ("large", "/tmp/large"):  # noqa: S108
        with open(place, "wb") as file:
            yield from managed(f"make {place} too long", partial(os.truncate, file.fileno(), facts.file + 1))
            yield from managed(
                f"write beyond in {place}", partial(os.pwrite, file.fileno(), b"x", facts.file + 1)
            )
        os.unlink(place)


def temporary(facts: Facts) -> Iterator[str]:
    """More in /tmp and /dev/shm than they hold: it is memory."""
    for folder in ("/tmp", "/dev/shm"):  # noqa: S108
        written, index = 0, 0
        paths: list[str] = []
        with suppress(OSError):
            while written <= facts.temporary:
                paths.append(f"{folder}/{index}")
                with open(paths[-1], "wb", buffering=0) as file:
                    written += file.write(bytes(min(facts.file, 1 << 20)))
                index += 1
        if written > facts.temporary:
            yield f"write {written} bytes to {folder}"
        for path in paths:
            os.unlink(path)


def orphans(_: Facts) -> Iterator[str]:
    """A process that wants to live on: its own session, no parent, no descriptor. Looked for from outside."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            for _beat in range(200):
                with open(BEAT, "ab", buffering=0) as file:
                    file.write(b".")
                time.sleep(0.05)
        os._exit(0)
    for _look in range(200):
        if os.path.exists(BEAT):
            return
        time.sleep(0.05)
    yield "not even begin"


ATTACKS: dict[str, Attack] = {
    "memory": memory,
    "buffers": buffers,
    "forks": forks,
    "open_files": open_files,
    "file_size": file_size,
    "temporary": temporary,
}
#: Each in a sandbox of its own: what comes of them is seen from outside.
ALONE: dict[str, Attack] = {
    "memory_of_all": memory_of_all,
    "sockets_of_all": sockets_of_all,
    "orphans": orphans,
}
#: Those that must be ended from outside, and a word of the reason.
ENDED = {"memory_of_all": "memory", "sockets_of_all": "sockets"}
