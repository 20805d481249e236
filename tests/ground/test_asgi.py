"""The ASGI application: hand-over of streams, the body's limit, files, the server's start and end."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import connection
from django.test import override_settings

from harness_site.asgi import Application, Exchange
from harness_site.body_limit import BodyLimit
from harness_site.handler import THREADS, pieces

Message = Mapping[str, Any]


def scope(path: str, **headers: str) -> dict[str, Any]:
    """A GET or POST as uvicorn describes it."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }


class Sent(list[Message]):
    """What an application sent."""

    async def put(self, message: Message) -> None:
        self.append(message)


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


BODY = {"type": "http.response.body", "body": b"words"}


async def test_it_passes_an_ordinary_answer_on() -> None:
    sent = Sent()
    exchange = Exchange(sent.put)
    for message in (start((b"Content-Type", b"text/plain")), BODY):
        await exchange.send(message)
    assert exchange.grant is None
    assert sent == [start((b"Content-Type", b"text/plain")), BODY]


async def test_it_keeps_an_answer_that_grants_a_stream() -> None:
    sent = Sent()
    exchange = Exchange(sent.put)
    for message in (start((b"X-Harness-Stream", b'{"kind": "run"}'), (b"Vary", b"Cookie")), BODY):
        await exchange.send(message)
    assert exchange.grant == '{"kind": "run"}'
    assert exchange.headers == [(b"Vary", b"Cookie")]
    assert sent == []


async def test_it_never_takes_an_error_for_a_grant() -> None:
    sent = Sent()
    exchange = Exchange(sent.put)
    await exchange.send(start((b"X-Harness-Stream", b"{}"), status=404))
    assert exchange.grant is None
    assert len(sent) == 1


async def test_it_opens_no_stream_for_a_look_at_its_headers() -> None:
    async def granting(_scope: Any, _receive: Any, send: Any) -> None:
        for message in (start((b"X-Harness-Stream", b"no grant"), (b"Vary", b"Cookie")), BODY):
            await send(message)

    sent, application = Sent(), Application()
    application.django = granting  # type: ignore[assignment]  # what a view that grants a stream answers
    await application(scope("/live/") | {"method": "HEAD"}, receiving(), sent.put)
    assert sent == [start((b"Vary", b"Cookie")), {"type": "http.response.body", "body": b""}]


def receiving(*messages: Message) -> Any:
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    return receive


async def test_it_refuses_an_announced_length_without_reading() -> None:
    sent = Sent()
    asking = scope("/api/v1/runs", content_length="11", expect="100-continue")
    limit = BodyLimit(10, asking, receiving(), sent.put)
    assert await limit.refused_by_length()
    assert sent[0]["status"] == 413
    assert dict(sent[0]["headers"])[b"content-type"] == b"application/problem+json"
    problem = json.loads(sent[1]["body"])
    assert problem["detail"] == "The request's body is longer than 10 bytes."
    assert (problem["title"], problem["status"], problem["errors"]) == ("Content too large", 413, {})


async def test_it_lets_a_client_send_what_is_too_long_before_it_answers() -> None:
    """A browser that cannot send on shows a broken connection."""
    sent = Sent()
    last = {"type": "http.request", "body": b"6"}
    first = {"type": "http.request", "body": b"12345", "more_body": True}
    pieces_of_body: Iterator[Message] = iter([first, last])

    async def receive() -> Message:
        assert sent == []
        return next(pieces_of_body)

    limit = BodyLimit(5, scope("/start/", content_length="6"), receive, sent.put)
    assert await limit.refused_by_length()
    assert sent[0]["status"] == 413
    assert list(pieces_of_body) == []


async def test_it_does_not_read_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness_site.body_limit.DRAINED_BYTES", 20)
    sent, body = Sent(), {"type": "http.request", "body": b"123456", "more_body": True}
    limit = BodyLimit(5, scope("/start/", content_length="600"), receiving(body, body, body, body), sent.put)
    assert await limit.refused_by_length()
    assert sent[0]["status"] == 413


async def test_it_stops_reading_when_the_limit_is_passed() -> None:
    sent = Sent()
    body = {"type": "http.request", "body": b"123456", "more_body": True}
    last = {"type": "http.request", "body": b"", "more_body": False}
    limit = BodyLimit(10, scope("/runs/", content_length="0"), receiving(body, body, last), sent.put)
    assert not await limit.refused_by_length()
    assert await limit.receive() == body
    assert (await limit.receive())["type"] == "http.disconnect"
    assert (await limit.receive())["type"] == "http.disconnect"
    await limit.send(start())  # what the application answers now is not the answer
    await limit.finish()
    assert [message.get("status") for message in sent] == [413, None]
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"].startswith(b"text/html")
    assert headers[b"content-length"] == str(len(sent[1]["body"])).encode()
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'; script-src 'self'")
    for name in (b"x-content-type-options", b"referrer-policy", b"x-frame-options", b"cache-control"):
        assert headers[name]
    assert b"The request&#x27;s body is longer than 10 bytes." in sent[1]["body"]


async def test_it_lets_a_body_of_exactly_the_limit_through() -> None:
    sent = Sent()
    body = {"type": "http.request", "body": b"1234567890", "more_body": False}
    limit = BodyLimit(10, scope("/runs/", content_length="10"), receiving(body), sent.put)
    assert not await limit.refused_by_length()
    assert await limit.receive() == body
    await limit.finish()
    assert sent == []


async def test_it_hands_a_file_out_piece_by_piece() -> None:
    assert [piece async for piece in pieces(iter([b"a", b"", b"b"]), asyncio.to_thread)] == [b"a", b"", b"b"]


@pytest.mark.django_db(transaction=True)
async def test_it_answers_on_threads_that_keep_their_connection() -> None:
    """A new connection reads the whole schema before its first query."""
    seen: list[Any] = []  # kept, so that no two ever are the same object

    def noted(**_: Any) -> None:
        connection.ensure_connection()
        seen.append(connection.connection)

    request_started.connect(noted, weak=False)
    try:
        transport = httpx.ASGITransport(app=Application())  # type: ignore[arg-type]  # as below
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for _ in range(20):
                assert (await client.get("/sign-in/")).status_code == 200
    finally:
        request_started.disconnect(noted)
    assert len(seen) == 20
    assert len({id(each) for each in seen}) <= 5  # a thread may come back a moment too late for the next


@pytest.mark.django_db(transaction=True)
async def test_it_says_that_it_lives_when_every_thread_waits() -> None:
    """As they do when another program locks the records."""
    connected: list[bool] = []

    def noted(**_: Any) -> None:
        connected.append(connection.connection is not None)

    application, free = Application(), threading.Event()
    for _ in range(THREADS):
        application.django._threads.submit(free.wait)
    request_finished.connect(noted, weak=False)
    try:
        transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]  # as below
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            client.cookies.set(settings.SESSION_COOKIE_NAME, "x" * 32)
            assert (await asyncio.wait_for(client.get("/healthz"), 30)).text == "ok\n"
    finally:
        free.set()
        request_finished.disconnect(noted)
    assert connected == [False]


async def test_it_serves_static_files_with_the_policy() -> None:
    with override_settings(WHITENOISE_AUTOREFRESH=False):  # as the product has it, see tests/settings.py
        transport = httpx.ASGITransport(app=Application())  # type: ignore[arg-type]  # httpx's own type is wider
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/static/base/base.css", headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "access-control-allow-origin" not in answer.headers
    assert answer.content == (settings.BASE_DIR / "static" / "base" / "base.css").read_bytes()


async def test_it_starts_and_ends_with_the_server() -> None:
    sent = Sent()
    receive = receiving({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    await Application()({"type": "lifespan"}, receive, sent.put)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_it_does_not_wait_for_a_body_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness_site.body_limit.PATIENCE_SECONDS", 0.05)
    pieces_of_body = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def slowly() -> Message:
        if pieces_of_body:
            return pieces_of_body.pop()
        await asyncio.sleep(60)
        raise AssertionError("nobody should wait so long")

    sent = Sent()
    await Application()(scope("/api/v1/runs", content_type="application/json"), slowly, sent.put)
    assert sent[0]["status"] == 408
    assert b"did not come" in sent[1]["body"]


async def test_it_does_not_wait_for_a_body_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness_site.body_limit.PATIENCE_SECONDS", 0.2)
    pieces_of_body = [{"type": "http.request", "body": b"{", "more_body": True} for _ in range(40)]

    async def slowly() -> Message:
        await asyncio.sleep(0.05)
        return pieces_of_body.pop()

    sent = Sent()
    await Application()(scope("/api/v1/runs", content_type="application/json"), slowly, sent.put)
    assert sent[0]["status"] == 408
    assert pieces_of_body


async def test_it_waits_for_a_body_as_long_as_its_size_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness_site.body_limit.PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr("harness_site.body_limit.SLOWEST", 100)
    piece = {"type": "http.request", "body": b" " * 100, "more_body": True}
    pieces_of_body = [{"type": "http.request", "body": b"", "more_body": False}, *[piece] * 8]

    async def slowly() -> Message:
        await asyncio.sleep(0.2)  # all of it: 1.8 s, with 8 s for its size
        return pieces_of_body.pop()

    sent = Sent()
    await Application()(scope("/api/v1/runs", content_type="application/json"), slowly, sent.put)
    assert sent[0]["status"] == 400  # read whole, and then its host is nobody we know
