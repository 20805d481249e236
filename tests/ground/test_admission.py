"""Requests that may write wait in a line; who only reads passes it by."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from harness_site.admission import PLACES, Admission, Crowded
from harness_site.asgi import Application
from harness_site.databases import WEB_CONNECTIONS
from harness_site.handler import THREADS


async def test_it_leaves_threads_and_connections_to_readers() -> None:
    assert 0 < PLACES < min(THREADS, WEB_CONNECTIONS)
    admission = Admission(places=1)
    async with admission.place("POST"):
        for method in ("GET", "HEAD", "OPTIONS"):
            async with admission.place(method), admission.place(method):
                pass


async def test_it_lets_as_many_in_as_there_are_places_first_come_first_served() -> None:
    admission, inside, order = Admission(places=2), 0, []
    most = 0

    async def work(name: int) -> None:
        nonlocal inside, most
        async with admission.place("POST"):
            inside += 1
            most = max(most, inside)
            order.append(name)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work(name) for name in range(20)))
    assert most == 2
    assert order == list(range(20))


async def test_it_gives_the_place_back_after_an_error() -> None:
    admission = Admission(places=1, line=0)
    with pytest.raises(ZeroDivisionError):
        async with admission.place("POST"):
            raise ZeroDivisionError
    async with admission.place("POST"):
        pass


async def test_it_bounds_the_line() -> None:
    admission = Admission(places=1, line=1)
    async with admission.place("POST"):
        waiting = asyncio.create_task(admission._enter())
        await asyncio.sleep(0)
        with pytest.raises(Crowded):
            await admission._enter()
    await waiting


async def test_it_lets_nobody_wait_without_end() -> None:
    admission = Admission(places=1, line=1, seconds=0.01)
    async with admission.place("POST"):
        for _ in range(2):  # who gave up stands in the line no more
            with pytest.raises(Crowded):
                await admission._enter()
    async with admission.place("POST"):
        pass


async def test_it_loses_no_place_to_one_who_leaves_as_it_comes_free() -> None:
    admission = Admission(places=1, line=2)
    async with admission.place("POST"):
        leaving = asyncio.create_task(admission._enter())
        staying = asyncio.create_task(admission._enter())
        await asyncio.sleep(0)
    leaving.cancel()  # the place is promised to it, and it has not run since
    await asyncio.wait_for(staying, 30)
    with pytest.raises(asyncio.CancelledError):
        await leaving


@pytest.mark.parametrize(
    ("path", "kind"), [("/api/v1/runs", "application/problem+json"), ("/start/", "text/html; charset=utf-8")]
)
async def test_it_answers_one_too_many_as_a_locked_database_does(
    path: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    application = Application()
    application.django.admission = Admission(places=1, line=0)
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]  # httpx's own type is wider
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        application.django.admission.place("POST"),
    ):
        answer = await client.post(path, json={"input": "hello"})
        assert (await client.get("/healthz")).status_code == 200
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.headers["Content-Type"] == kind
    assert "nothing was changed" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ("Content-Security-Policy" in answer.headers) is kind.startswith("text/html")
    assert "one more was refused" in caplog.text
