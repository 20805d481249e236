"""A request's body is refused with 413 before it is stored: Django would spool all of it to disk first."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.http import HttpResponse

from harness_site import refusals

PATIENCE_SECONDS = 30.0  #: between two pieces of a body, and for all of it, but for what its size takes:
SLOWEST = 4096  #: bytes a second
#: So much of a body that is too long is read and thrown away, and for so long: who still sends when the
#: connection is closed may never see the answer (RFC 9112, 9.6).
DRAINED_BYTES = 16 * 1024 * 1024
DRAIN_SECONDS = 10.0

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class BodyLimit:
    """Counts one request's body. Too long by its `Content-Length`: refused at once. Too long as it comes in
    (chunked): Django sees a disconnect, its answer is dropped, and the client gets the 413."""

    def __init__(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        self.limit = limit
        self.scope = scope
        self._receive = receive
        self._send = send
        self._size = 0
        self._since = time.monotonic()
        self._exceeded = False
        self._complete = False
        self._late = False

    async def refused_by_length(self) -> bool:
        """Whether the announced length was too much; the answer is then sent."""
        for name, value in self.scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value[:20]) > self.limit:
                self._exceeded = True
                await self.finish()
        return self._exceeded

    async def receive(self) -> Message:
        """The next message, or a disconnect once the body is too long."""
        if self._exceeded:
            return {"type": "http.disconnect"}
        try:
            left = self._since + PATIENCE_SECONDS + self._size / SLOWEST - time.monotonic()
            async with asyncio.timeout(min(left, PATIENCE_SECONDS)):
                message = await self._receive()
        except TimeoutError:
            self._exceeded = self._late = True
            return {"type": "http.disconnect"}
        self._complete = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self.limit:
            self._exceeded = True
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        """Pass an answer on, unless this request is answered with 413."""
        if not self._exceeded:
            await self._send(message)

    async def finish(self) -> None:
        """Send the 413 (or 408) when the body was too long (or too late)."""
        if not self._exceeded:
            return
        if not self._late and not self._asks_first():
            await self._drain()
        answer = self._answer()
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
        headers.append((b"connection", b"close"))  # what else there is of the body is not read
        start = {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": answer.content})

    def _asks_first(self) -> bool:
        """Whether the client sends its body only when it was told to go on; reading would tell it so."""
        return any(name == b"expect" for name, _ in self.scope["headers"])

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self._complete and self._size < DRAINED_BYTES:
                    message = await self._receive()
                    self._size += len(message.get("body", b""))
                    self._complete = not message.get("more_body", False)

    def _answer(self) -> HttpResponse:
        status, title = (408, "Request timeout") if self._late else (413, "Content too large")
        detail = f"The request's body is longer than {self.limit} bytes."
        if self._late:
            detail = f"The rest of the request's body did not come in time ({PATIENCE_SECONDS:g} seconds)."
        return refusals.unread(self.scope["path"], status, title, detail)
