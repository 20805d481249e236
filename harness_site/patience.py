"""How long a connection may take to send the head of a request, and how large that may be.

The server bounds idle connections and `body_limit` the body; without this, one client could hold any number
of connections by sending a header's letter now and then.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
HEAD_BYTES = 64 * 1024
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Protocol(HttpToolsProtocol):
    """Closes a connection whose next head does not come whole within HEAD_SECONDS of its first byte (of the
    connection's beginning for the first one), or is longer than HEAD_BYTES."""

    _due: Any = None  #: the timer; None while no head is awaited
    _received = 0  #: bytes of the head so far
    _between = True  #: no message has begun since the last one ended

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._between:
            self._await_head()
        super().data_received(data)
        if self._due is not None:
            self._received += len(data)
            if self._received > HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        self._between = False
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._between = True
        super().on_message_complete()

    def _await_head(self) -> None:
        if self._due is None:
            self._received = 0
            self._due = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _too_late(self) -> None:
        self._due = None
        cycle: Any = self.cycle  # None before the first request
        if cycle is not None and not cycle.response_complete:
            self._await_head()  # an answer is on its way, perhaps a long stream: that comes first
        elif not self.transport.is_closing():
            self.transport.close()
