"""Heads of requests that come slowly, or never end."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from harness_site import patience
from harness_site.listening import listen_on

HEAD_SECONDS = 0.4
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once; `/slow` begins at once and ends well after a head would be due."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    if scope["path"] == "/slow":
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
        await asyncio.sleep(HEAD_SECONDS * 3)
        await send({"type": "http.response.body", "body": b"k"})
    else:
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server with little patience."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", HEAD_SECONDS)
    listener = listen_on("127.0.0.1", 0)
    config = uvicorn.Config(
        application, http=patience.Protocol, ws="none", lifespan="off", log_config=None, loop="uvloop"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join(10)


def connected(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=20)


def until_closed(client: socket.socket) -> bytes:
    """Everything the server says until it closes the connection."""
    said = b""
    while piece := client.recv(65536):
        said += piece
    return said


def test_it_closes_a_connection_that_says_nothing(address: tuple[str, int]) -> None:
    with connected(address) as client:
        assert until_closed(client) == b""


@pytest.mark.parametrize("before", [b"", REQUEST])
@pytest.mark.parametrize("letters", [b"GET / HTTP/1.1\r\nX-Slow: ", b"\r\n"])
def test_it_closes_a_head_that_comes_letter_by_letter(
    address: tuple[str, int], before: bytes, letters: bytes
) -> None:
    with connected(address) as client:
        if before:
            client.sendall(before)
            assert client.recv(65536).endswith(b"ok")
        assert was_closed(client, letters)


def was_closed(client: socket.socket, letters: bytes) -> bool:
    """Sends them one by one, then letters without end; whether the server had enough of it."""
    client.settimeout(0.02)
    for number in range(500):
        try:
            client.send(letters[number : number + 1] or letters[-2:-1].strip() or b"\n")
            if client.recv(1) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def test_it_answers_one_request_after_the_other(address: tuple[str, int]) -> None:
    with connected(address) as client:
        for _ in range(4):  # in all longer than one head may take
            client.sendall(REQUEST[:20])
            time.sleep(HEAD_SECONDS / 3)
            client.sendall(REQUEST[20:])
            assert client.recv(65536).endswith(b"ok")


def test_it_never_cuts_an_answer_for_the_next_head(address: tuple[str, int]) -> None:
    with connected(address) as client:
        client.sendall(REQUEST.replace(b"/ ", b"/slow ") + b"GET / HT")
        said = b""
        while not said.endswith(b"ok"):
            piece = client.recv(65536)
            assert piece, said
            said += piece


def test_it_refuses_a_head_without_end(address: tuple[str, int]) -> None:
    with connected(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * patience.HEAD_BYTES)
        assert until_closed(client).startswith(b"HTTP/1.1 431 ")


def test_it_takes_a_long_head_with_a_long_body(address: tuple[str, int]) -> None:
    head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 200000\r\nX-Long: " + b"a" * 60_000
    with connected(address) as client:
        client.sendall(head + b"\r\n\r\n" + b"b" * 200_000)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
