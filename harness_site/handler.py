"""Django behind ASGI, in one thread hop for each request, on threads that stay and keep their connection.

Django's own handler makes a thread for every request, and with it a new database connection, and hops there
four times; that cost more than most views do.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from harness_site import refusals
from harness_site.admission import Admission, Crowded
from harness_site.body_limit import Receive, Scope, Send

logger = logging.getLogger(__name__)

THREADS = 32  #: more requests at once wait for one another; streams and files hold none
#: Answered by a thread of its own, without the records: a process whose threads all wait for a locked
#: database lives, and says so.
ALIVE = "/healthz"
Result = TypeVar("Result")


class Django(ASGIHandler):
    """`await django(scope, receive, send)`. Middleware and views are synchronous, so the whole chain is."""

    def __init__(self) -> None:
        super().__init__()
        self.admission = Admission()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._spare = ThreadPoolExecutor(1, thread_name_prefix="alive")

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        # Only what reads: the refusal of anything else is noted in the records.
        spare = scope["path"] == ALIVE and scope["method"] in ("GET", "HEAD")
        threads = self._spare if spare else self._threads
        try:
            async with self.admission.place(scope["method"]):
                response = await self._in_thread(lambda: self._answer(scope, body), threads)
        except Crowded:
            logger.error("Too many requests wait to write; one more was refused")
            body.close()
            response = refusals.away(scope["path"])
        if not response.streaming:
            await self.send_response(response, send)
            return
        try:
            await self.send_response(response, send)
        finally:
            await self._in_thread(response.close)

    def _answer(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """All that Django does for a request, from its start to its end; a file is read afterwards."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refused = self.create_request(scope, body)
        response = cast("HttpResponseBase", refused if request is None else self.get_response(request))
        if isinstance(response, StreamingHttpResponse):
            if isinstance(response, FileResponse):
                response.block_size = self.chunk_size
            # Piece by piece in a thread; Django would read all of it into memory first.
            content = cast("Iterator[bytes]", response.streaming_content)
            response.streaming_content = pieces(iter(content), self._in_thread)
            close_old_connections()
        else:
            response.close()  # its bytes are made; what waits for the end of the request need not wait longer
        return response

    async def _in_thread(
        self, work: Callable[[], Result], threads: ThreadPoolExecutor | None = None
    ) -> Result:
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(threads or self._threads, context.run, work)


async def pieces(
    source: Iterator[bytes], in_thread: Callable[[Callable[[], Any]], Any]
) -> AsyncIterator[bytes]:
    """A synchronous iterator as an asynchronous one; each step is made by `in_thread`."""
    while (piece := await in_thread(lambda: next(source, None))) is not None:
        yield piece
