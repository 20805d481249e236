"""The ASGI application: Django in one thread hop, a cap on bodies, and the hand-over of live streams.

A view that grants a stream answers with an empty 200 that carries `X-Harness-Stream`. That answer is not
sent: Django's part (thread, database connection, permission check) is over by then, and the connection goes
to `runtime.web.live.serve`, which holds thousands of them in one thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os

import django
from django.conf import settings

from harness_site.body_limit import BodyLimit, Message, Receive, Scope, Send
from harness_site.handler import Django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harness_site.settings")
django.setup(set_prefix=False)

GRANT_HEADER = b"x-harness-stream"


class Application:
    """`await application(scope, receive, send)`: requests to Django, granted streams to the live feed."""

    def __init__(self) -> None:
        self.django = Django()
        self.secure = settings.SECURE
        self._streams: set[asyncio.Task[None]] = set()
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.secure:
            # The public address is https, so a proxy ended TLS: cookies, links and CSRF must go by that.
            scope["scheme"] = "https"
        limit = BodyLimit(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, scope, receive, send)
        if await limit.refused_by_length():
            return
        exchange = Exchange(limit.send)
        await self.django(scope, limit.receive, exchange.send)
        await limit.finish()
        if exchange.grant is not None and scope["method"] == "HEAD":
            # Headers only: a stream would hold the connection, and one of the person's places, for nothing.
            await send({"type": "http.response.start", "status": 200, "headers": exchange.headers})
            await send({"type": "http.response.body", "body": b""})
        elif exchange.grant is not None:
            await self._stream(exchange, scope, receive, send)

    async def _stream(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        from runtime.web import live

        assert exchange.grant is not None
        stream = asyncio.ensure_future(live.serve(exchange.grant, exchange.headers, scope, receive, send))
        self._streams.add(stream)
        try:
            await stream
        except asyncio.CancelledError:
            if not self._ending:
                raise
            with contextlib.suppress(OSError):  # a proper end, so that the browser just connects again
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._streams.discard(stream)

    def end_streams(self) -> None:
        """The server is about to stop: open streams end now, ordinary requests may finish."""
        self._ending = True
        for stream in self._streams:
            stream.cancel()


class Exchange:
    """Passes one answer on, unless it grants a stream: then it keeps grant and headers instead."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.grant: str | None = None
        self.headers: list[tuple[bytes, bytes]] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            for name, value in message["headers"]:
                if name.lower() == GRANT_HEADER:
                    self.grant = value.decode("latin-1")
                else:
                    self.headers.append((name, value))
        if self.grant is None:
            await self._send(message)


async def lifespan(receive: Receive, send: Send) -> None:
    """The server's start and end: nothing to set up, nothing to lose."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


application = Application()
