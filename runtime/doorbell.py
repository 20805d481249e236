"""The doorbell between processes of one machine: a datagram on a unix socket in the data directory.

Each listener binds a socket of its own below `<data>/doorbells`; a ring goes to all of them. A ring that is
lost costs time, never work: the rows are the truth, and everyone who waits for a ring also polls.
Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from threading import BoundedSemaphore

MAX_BYTES = 128


def ring(folder: Path, message: str) -> int:
    """Rings every listener; gives how many heard it. Sockets of dead listeners are removed."""
    heard = 0
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)  # a listener that does not empty its socket must not hold anyone up
        for name in names:
            try:
                sender.sendto(message.encode()[:MAX_BYTES], _address(folder, name))
                heard += 1
            except BlockingIOError:
                heard += 1  # its queue is full of rings already
            except ConnectionRefusedError:
                with contextlib.suppress(OSError):
                    (folder / name).unlink()
            except OSError:
                continue
    return heard


class Doorbell:
    """A listener: calls `heard(message)` in a thread of its own for every ring, until closed."""

    def __init__(self, folder: Path, heard: Callable[[str], None]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._heard = heard
        self._path = folder / f"{os.getpid()}.{secrets.token_hex(3)}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(_address(folder, self._path.name))
        self._path.chmod(0o600)
        self._thread = threading.Thread(target=self._listen, name="doorbell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                message = self._socket.recv(MAX_BYTES)
            except OSError:
                return
            if not message:
                return
            self._heard(message.decode(errors="replace"))


def silent_bell(threads: int) -> BoundedSemaphore:
    """Has not rung yet, and counts to so many."""
    bell = BoundedSemaphore(threads)
    while bell.acquire(blocking=False):
        pass
    return bell


def _address(folder: Path, name: str) -> str:
    """A socket's address. The kernel takes at most 107 bytes of path, which a deep data directory
    exceeds: then the way goes through the directory's descriptor."""
    path = str(folder / name)
    if len(os.fsencode(path)) <= 107:
        return path
    return f"/proc/self/fd/{_descriptor(str(folder))}/{name}"


_descriptors: dict[str, int] = {}


def _descriptor(folder: str) -> int:
    if folder not in _descriptors:
        _descriptors[folder] = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return _descriptors[folder]
