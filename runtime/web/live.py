"""Live streams: what `harness_site/asgi.py` hands over once a view has granted one.

A grant is JSON: `{"kind": "run" | "api" | "inbox", "run_id", "after", "viewer"}`. `run` is the page's stream
(rows and streamed text, `run` doorbells, `end`), `api` the events as JSON, `inbox` doorbells for list pages.
Only messages that carry an event have an id: its sequence. A stream holds no thread and no connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from runtime import catalogue, viewing
from runtime.events import EventType
from runtime.web.audience import Audience
from runtime.web.feed import Feed, FeedEvent, Viewer, message
from runtime.workspace import WorkspaceError

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

KEEP_ALIVE_SECONDS = 15.0
SEND_SECONDS = 30.0
INBOX_SECONDS = 0.5
USUAL_STREAMS = {"person": 20, "service": 1_000}  #: the defaults, for while the workspace cannot be read
RUN_BELL = message("", event="run")
INBOX_BELL = message("", event="inbox")
END = message("", event="end")
TOO_MANY = {
    "person": "Too many live pages are open; close some and reload.",
    "service": "Too many streams of this service account are open; close some. How many it may have is set "
    "by spec.limits.streams_per_service_account in workspace.yaml.",
}

audience = Audience()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a view allowed whom to watch."""

    kind: str
    viewer: str  #: see `runtime.viewing`
    run_id: str | None = None
    after: int = 0

    @property
    def kind_of_viewer(self) -> str:
        """`person` or `service`."""
        return self.viewer.partition(":")[0]

    @classmethod
    def parse(cls, text: str) -> Grant:
        return cls(**orjson.loads(text))


async def serve(
    grant: str,
    headers: Iterable[tuple[bytes, bytes]],
    scope: Mapping[str, Any],
    receive: Receive,
    send: Send,
) -> None:
    """Streams until the run is over, the client goes, or the right to look is lost."""
    granted = Grant.parse(grant)
    kept = [
        (name, value) for name, value in headers if name.lower() not in (b"content-length", b"content-type")
    ]
    if audience.streams(viewing.name_of(granted.viewer)) >= _limit(granted):
        await _refuse(TOO_MANY[granted.kind_of_viewer], kept, send)
        return
    viewer = Viewer(granted.run_id)
    with audience.seat(granted.viewer, viewer):
        stream = asyncio.ensure_future(_stream(granted, viewer, kept, send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({stream, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stream, gone):
                task.cancel()
            results = await asyncio.gather(stream, gone, return_exceptions=True)
    # A client that went or did not read (TimeoutError is an OSError) is no fault of ours.
    if isinstance(results[0], Exception) and not isinstance(results[0], OSError):
        raise results[0]


def open_streams() -> int:
    """How many streams this process serves."""
    return audience.streams()


def _limit(grant: Grant) -> int:
    try:
        limits = catalogue.current().workspace.limits
    except WorkspaceError:
        return USUAL_STREAMS[grant.kind_of_viewer]
    person = grant.kind_of_viewer == "person"
    return limits.streams_per_person if person else limits.streams_per_service_account


async def _refuse(detail: str, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    problem = {"title": "Too many streams", "status": 429, "detail": detail, "errors": {}}
    kind = (b"content-type", b"application/problem+json")
    start = {
        "type": "http.response.start",
        "status": 429,
        "headers": [*headers, kind, (b"retry-after", b"30")],
    }
    await send(start)
    await send({"type": "http.response.body", "body": orjson.dumps(problem)})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stream(grant: Grant, viewer: Viewer, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                *headers,
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ],
        }
    )
    feed = Feed.of_this_process()

    async def put(body: bytes) -> None:
        async with asyncio.timeout(SEND_SECONDS):  # a viewer that does not read is let go
            await send({"type": "http.response.body", "body": body, "more_body": True})

    try:
        await put(b": open\n\n")
        await feed.add(viewer)
        if grant.kind == "inbox":
            await _inbox(feed, viewer, grant, put)
        else:
            await _run(feed, viewer, grant, put)
    finally:
        feed.remove(viewer)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


Put = Callable[[bytes], Awaitable[None]]


class _Follower:
    """Sends a run's events to one viewer, in order, each once."""

    def __init__(self, feed: Feed, run_id: str, viewer: Viewer, grant: Grant, put: Put) -> None:
        self._feed = feed
        self._run_id = run_id
        self._viewer = viewer
        self._kind = grant.kind
        self._put = put
        self._last = grant.after
        self.over = False

    async def catch_up(self) -> None:
        """What is in the records and was not sent; no more of it to a viewer that is dismissed meanwhile."""
        async for batch in self._feed.backlog(self._run_id, self._last):
            if self._viewer.dismissed:
                break
            await self._send(batch)
            await asyncio.sleep(0)  # a long past must not keep the others waiting

    async def take(self, fresh: list[FeedEvent]) -> None:
        """What the feed handed out, which may repeat itself; where it skipped something, the records have
        that and all that comes after it."""
        following: list[FeedEvent] = []
        for event in fresh:
            if event.sequence == self._last + len(following) + 1:
                following.append(event)
        if following:
            await self._send(following)
        if any(event.sequence > self._last for event in fresh):
            await self.catch_up()

    async def _send(self, events: list[FeedEvent]) -> None:
        await self._put(_render(events, self._kind))
        self._last = events[-1].sequence
        self.over = self.over or events[-1].ends


async def _run(feed: Feed, viewer: Viewer, grant: Grant, put: Put) -> None:
    """First what was missed, then what comes, until the run is over."""
    assert grant.run_id is not None
    follower = _Follower(feed, grant.run_id, viewer, grant, put)
    await follower.catch_up()
    look = True
    while not (follower.over or viewer.too_slow or viewer.dismissed):
        if look and await feed.is_over(grant.run_id):
            await follower.catch_up()  # the end may have come since the records were read
            follower.over = True
            break
        look = not await _rung(viewer)
        if look:
            await put(b": still here\n\n")
        elif not viewer.dismissed:
            await follower.take(viewer.take())
    if follower.over and not viewer.dismissed and grant.kind == "run":
        await put(END)


async def _inbox(feed: Feed, viewer: Viewer, grant: Grant, put: Put) -> None:
    """A doorbell when a list may have changed since it was read, at most one every half second."""
    if await feed.has_news(grant.after):
        await put(INBOX_BELL)
    while not viewer.dismissed:
        if not await _rung(viewer):
            await put(b": still here\n\n")
        elif viewer.too_slow or any(event.type != EventType.OUTPUT_DELTA for event in viewer.take()):
            viewer.too_slow = False
            await put(INBOX_BELL)
            await asyncio.sleep(INBOX_SECONDS)


async def _rung(viewer: Viewer) -> bool:
    try:
        async with asyncio.timeout(KEEP_ALIVE_SECONDS):
            await viewer.rung.wait()
    except TimeoutError:
        return False
    return True


def _render(events: list[FeedEvent], kind: str) -> bytes:
    if kind == "api":
        return b"".join(event.for_api for event in events)
    rows = b"".join(event.for_page for event in events)
    news = any(event.type != EventType.OUTPUT_DELTA for event in events)
    return rows + RUN_BELL if news else rows
