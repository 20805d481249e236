"""A request's body is refused with 413 before it is stored: Django would spool all of it to disk first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

PATIENCE_SECONDS = 30.0  #: between two pieces of a body

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
            # Once the body is there, Django waits here for the client to go: as long as that takes.
            async with asyncio.timeout(None if self._complete else PATIENCE_SECONDS):
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
        """Send the 413 when the body was too long."""
        if not self._exceeded:
            return
        body, kind = self._answer()
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),  # the rest of the body is not read
        ]
        status = 408 if self._late else 413
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def _answer(self) -> tuple[bytes, bytes]:
        detail = f"The request's body is longer than {self.limit} bytes."
        problem: dict[str, object] = {"title": "Content too large", "status": 413}
        if self._late:
            detail = f"The rest of the request's body did not come within {PATIENCE_SECONDS:g} seconds."
            problem = {"title": "Request timeout", "status": 408}
        if self.scope["path"].startswith("/api/"):
            problem |= {"detail": detail, "errors": {}}
            return json.dumps(problem).encode(), b"application/problem+json"
        return f"{detail}\n".encode(), b"text/plain; charset=utf-8"
