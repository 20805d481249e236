"""The client: some threads, each with one run in flight.

Raw sockets that stay open: a comfortable HTTP client would cost more than what it measures.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from django.db import connection

from runtime import access, actions
from runtime.benchmarks.report import BenchmarkError
from runtime.benchmarks.runs.watch import Watch

TURNS = [
    {"tool_calls": [{"name": "write_file", "arguments": {"path": "note.txt", "content": "hello"}}]},
    {"text": "It is written."},
]
IDLE_SECONDS = 3.0  #: the server closes a connection that has been quiet for 5
INPUT = "script:" + orjson.dumps(TURNS).decode()


@dataclass(frozen=True)
class Played:
    """One run as the client saw it; times are of the monotonic clock."""

    run_id: str
    began: float
    asked: float
    decided: float
    ended: float


class Door(Protocol):
    """How a run is started and approved."""

    def start(self) -> str:
        """Starts a run; its id."""

    def approve(self, approval_id: str, digest: str) -> None:
        """Returns when the decision is durable."""


class Api:
    """Over HTTP, one connection for each thread."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._own = threading.local()

    def start(self) -> str:
        return str(self._post("/api/v1/runs", {"input": INPUT, "agent": "direct"})["run_id"])

    def approve(self, approval_id: str, digest: str) -> None:
        body = {"decision": "approve", "digest": digest}
        self._post(f"/api/v1/approvals/{approval_id}/decision", body)

    def _post(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        body = orjson.dumps(content)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        link = self._link()
        link.sendall(head.encode() + body)
        status, answer = _answer(link)
        if status not in (200, 201):
            raise BenchmarkError(f"The API answered {status}: {answer[:300].decode(errors='replace')}")
        found: dict[str, Any] = orjson.loads(answer)
        return found

    def _link(self) -> socket.socket:
        found: socket.socket | None = getattr(self._own, "link", None)
        idle = time.monotonic() - getattr(self._own, "used", 0.0)
        self._own.used = time.monotonic()
        if found is None or idle > IDLE_SECONDS:
            if found is not None:
                found.close()
            found = self._own.link = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found


def _answer(link: socket.socket) -> tuple[int, bytes]:
    """The status and the body of an answer that says its length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(link)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += _more(link)
    return int(head[9:12]), body


def _more(link: socket.socket) -> bytes:
    data = link.recv(65536)
    if not data:
        raise BenchmarkError("The web server closed the connection.")
    return data


class Actions:
    """In this process, without HTTP; the client's processor time is then the web server's, too."""

    def __init__(self) -> None:
        self._actor = access.command()

    def start(self) -> str:
        return actions.start_run(self._actor, INPUT, agent="direct").run_id

    def approve(self, approval_id: str, digest: str) -> None:
        actions.decide_approval(self._actor, approval_id, "approve", digest)


def play(door: Door, watch: Watch, runs: int, in_flight: int) -> list[Played]:
    """So many runs from start to end, so many at a time."""
    numbers = itertools.count()

    def rounds() -> list[Played]:
        try:
            return list(_one_after_the_other(door, watch, numbers, runs))
        finally:
            connection.close()

    with ThreadPoolExecutor(in_flight) as threads:
        played = [threads.submit(rounds) for _ in range(in_flight)]
        return [each for thread in played for each in thread.result()]


def _one_after_the_other(door: Door, watch: Watch, numbers: Iterator[int], runs: int) -> Iterator[Played]:
    while next(numbers) < runs:  # one counter for all threads: `next` is atomic
        began = time.monotonic()
        run_id = door.start()
        approval_id, digest = watch.approval_of(run_id)
        asked = time.monotonic()
        door.approve(approval_id, digest)
        decided = time.monotonic()
        watch.end_of(run_id)
        yield Played(run_id, began, asked, decided, time.monotonic())
