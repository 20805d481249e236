"""Thousands of watchers in one process without Django: `python -m runtime.benchmarks.watchers`.

Reads one JSON line at a time from stdin and answers each with one JSON line:

    {"port", "path", "header", "watchers": [run id, …]}   opens them all; {"seconds": that it took, "refused"}
    {"sent": {run id: {sequence: when}}}                  {"lost", "twice", "latencies": [seconds, …]}

`path` has `{}` for the run, `header` says who asks.

Times are of the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from array import array
from collections.abc import Iterator
from typing import Any

PATIENCE_SECONDS = 20.0  #: for events that are late
LOOK_SECONDS = 0.1
OPENING = 32  #: connections that wait for their first byte at the same time
IDS = re.compile(rb"^id: (\d+)$", re.MULTILINE)


class Watcher:
    """One open stream: when which event came."""

    __slots__ = ("came", "granted", "link", "rest", "run_id", "twice")

    def __init__(self, run_id: str, port: int, path: str, header: str) -> None:
        self.run_id = run_id
        self.came: dict[int, float] = {}
        self.twice = 0
        self.rest = b""
        self.granted = False
        self.link = socket.create_connection(("127.0.0.1", port))
        self.link.sendall(
            f"GET {path.format(run_id)} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{header}\r\n\r\n".encode()
        )
        self.link.setblocking(False)

    def read(self) -> bool:
        """Notes what came, with its time. False when the server closed the stream."""
        try:
            data = self.link.recv(1 << 18)
        except BlockingIOError:
            return True  # read already, by a look that came in between (`open` looks, too)
        now = time.monotonic()
        self.granted = self.granted or data.startswith(b"HTTP/1.1 200 ")
        whole, end, rest = (self.rest + data).rpartition(b"\n\n")
        for number in IDS.findall(whole):
            sequence = int(number)
            self.twice += sequence in self.came
            self.came.setdefault(sequence, now)
        self.rest = rest if end else self.rest + data
        return bool(data)


class Crowd:
    """All watchers."""

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.watchers: dict[int, Watcher] = {}
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN)
        self.closed = 0

    def serve(self) -> None:
        """Reads streams and answers lines until stdin ends."""
        while True:
            for number in self.ready(None):
                if number == sys.stdin.fileno():
                    line = sys.stdin.buffer.readline()
                    if not line:
                        return
                    print(json.dumps(self.answer(json.loads(line))), flush=True)  # noqa: T201

    def ready(self, patience: float | None) -> Iterator[int]:
        """Reads what there is; gives the numbers of everything that was ready."""
        for number, _ in self.poll.poll(patience):
            watcher = self.watchers.get(number)
            if watcher is not None and not watcher.read():
                self.poll.unregister(number)
                self.closed += 1
            yield number

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """See the top of the file."""
        if "watchers" in asked:
            return self.open(asked["watchers"], asked["port"], asked["path"], asked["header"])
        return self.judge(asked["sent"])

    def open(self, run_ids: list[str], port: int, path: str, header: str) -> dict[str, Any]:
        """Opens one stream after the other, a few at a time; each counts when its first byte came."""
        began = time.monotonic()
        todo = list(reversed(run_ids))
        opening: set[int] = set()
        refused = 0
        while todo or opening:
            while todo and len(opening) < OPENING:
                watcher = Watcher(todo.pop(), port, path, header)
                self.watchers[watcher.link.fileno()] = watcher
                self.poll.register(watcher.link.fileno(), select.EPOLLIN)
                opening.add(watcher.link.fileno())
            for number in self.ready(30):
                if number in opening:
                    opening.discard(number)
                    refused += not self.watchers[number].granted
        return {"seconds": time.monotonic() - began, "refused": refused}

    def judge(self, sent: dict[str, dict[str, float]]) -> dict[str, Any]:
        """Compares what came with what was sent; what is late is waited for, it is not lost."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self._missing(sent) and time.monotonic() < until:
            for _ in self.ready(LOOK_SECONDS):
                pass
        latencies = array("d")
        lost = 0
        for watcher in self.watchers.values():
            for sequence, when in sent.get(watcher.run_id, {}).items():
                came = watcher.came.get(int(sequence))
                if came is None:
                    lost += 1
                else:
                    latencies.append(came - when)
        twice = sum(watcher.twice for watcher in self.watchers.values())
        return {"lost": lost, "twice": twice, "closed": self.closed, "latencies": _sample(latencies)}

    def _missing(self, sent: dict[str, dict[str, float]]) -> bool:
        return any(
            int(sequence) not in watcher.came
            for watcher in self.watchers.values()
            for sequence in sent.get(watcher.run_id, {})
        )


def _sample(latencies: array[float]) -> list[float]:
    """Every thousandth part of the ordered latencies, the last one included: enough for any percentile."""
    ordered = sorted(latencies)
    if len(ordered) <= 1000:
        return ordered
    return [ordered[(len(ordered) - 1) * part // 1000] for part in range(1001)]


if __name__ == "__main__":
    Crowd().serve()
