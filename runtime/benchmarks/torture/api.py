"""The HTTP API as a program uses it: one connection, and a clear word on what was not answered."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any

PROBLEM = "application/problem+json"
TIMEOUT = 30.0
IDLE_SECONDS = 2.0  #: the server closes what is idle for longer; that is no lost answer


class Unanswered(Exception):
    """No whole answer came: whether the act was done is not known."""


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return self.status < 300


@dataclass
class Answers:
    """What the clients heard: when, and what no server should say."""

    times: list[float] = field(default_factory=list)  #: Unix times of whole answers
    wrong: list[str] = field(default_factory=list)
    unavailable: int = 0  #: 503 with a named reason
    unanswered: int = 0


class Api:
    """One client; not for several threads at once."""

    def __init__(self, port: int, token: str, heard: Answers) -> None:
        self._port = port
        self._token = token
        self._heard = heard
        self._used = 0.0
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, body: dict[str, Any] | None = None, key: str = "") -> Answer:
        return self.call("POST", path, body or {}, key)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> Answer:
        """Raises Unanswered, also for an answer of 503: then the caller looks and tries again."""
        try:
            status, kind, content = self._exchange(method, path, body, key)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._heard.unanswered += 1
            raise Unanswered(str(error)) from error
        self._heard.times.append(time.time())
        if status >= 400 and (kind != PROBLEM or status == 500):
            self._heard.wrong.append(f"{method} {path} was answered {status} ({kind}).")
        if status == 503:
            self._heard.unavailable += 1
            raise Unanswered(str(content[:200]))
        return Answer(status, json.loads(content) if content else None)

    def close(self) -> None:
        """Drops the connection; the next call opens one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None, key: str
    ) -> tuple[int, str, bytes]:
        if time.monotonic() - self._used > IDLE_SECONDS:
            self.close()
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        content = None if body is None else json.dumps(body)
        self._connection.request(method, f"/api/v1/{path}", content, headers)
        answer = self._connection.getresponse()
        found = answer.status, answer.headers.get_content_type(), answer.read()
        self._used = time.monotonic()
        return found
