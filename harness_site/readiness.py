"""Asks the server's `/readyz` without blocking the supervisor. Standard library only."""

from __future__ import annotations

import contextlib
import socket

RETRY_SECONDS = 0.1
REQUEST = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class Probe:
    """One question at a time; `succeeded` once the answer was 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        host, _, port = url.removeprefix("http://").rpartition(":")
        self.address = (host.strip("[]"), int(port))
        self.succeeded = False
        self._socket: socket.socket | None = None
        self._ask_at = 0.0

    def ask(self, now: float) -> None:
        """Send the question unless one is open or the last refusal was just now."""
        if self._socket is not None or now < self._ask_at:
            return
        self._ask_at = now + RETRY_SECONDS
        with contextlib.suppress(OSError):
            self._socket = socket.create_connection(self.address, timeout=1.0)
            self._socket.sendall(REQUEST)

    def sources(self) -> list[int]:
        """What to wait for: the open question's descriptor."""
        return [] if self._socket is None else [self._socket.fileno()]

    def patience(self, now: float) -> float:
        """Seconds until it may be asked again."""
        return 1.0 if self._socket is not None else max(0.0, self._ask_at - now)

    def hear(self) -> None:
        """Take the answer that has come."""
        if self._socket is None:
            return
        answer = b""
        with contextlib.suppress(OSError):
            answer = self._socket.recv(64)
        self._socket.close()
        self._socket = None
        self.succeeded = answer.startswith(b"HTTP/1.1 200")
