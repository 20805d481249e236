"""The endpoint without the product: the very request that a run would make, by the standard library alone."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import takewhile
from urllib.parse import urlsplit

from runtime.benchmarks.report import BenchmarkError
from runtime.engine.context import Context
from runtime.engine.transcript import build, fit, room
from runtime.providers import Message, ModelRequest
from runtime.providers.endpoint import Endpoint, endpoint
from runtime.providers.payload import payload

PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Answered:
    """Seconds from the request to the first word or tool call, and to the end."""

    first: float
    total: float


def request_of(run_id: str) -> tuple[Endpoint, bytes]:
    """Where a run's first model call goes, and what it sends."""
    context = Context(run_id, threading.Event())
    agent = context.agent
    system, tools = Message("system", agent.instructions), agent.offers()
    rows = list(takewhile(lambda row: row.role != "assistant", context.rows()))
    asked = fit(build(rows), room(agent.context_window, agent.max_output_tokens, system, tools))
    request = ModelRequest(
        agent.model, (system, *asked), tools, agent.temperature, agent.max_output_tokens, agent.stream
    )
    to = endpoint(agent.connection.base_url, agent.connection.api_key.get_secret_value())
    return to, payload(request, frozenset())


def ask(to: Endpoint, body: bytes) -> Answered:
    """One call. Raises BenchmarkError when the endpoint does not answer it."""
    parts = urlsplit(to.url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    began = time.monotonic()
    link = kind(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    first = 0.0
    try:
        link.request("POST", f"{parts.path}?{parts.query}".rstrip("?"), body, to.headers())
        answer = link.getresponse()
        if answer.status != 200:
            raise BenchmarkError(
                f"{to.shown} answered {answer.status}: {to.quote(_text(answer.read(2_000)))}"
            )
        for line in answer:
            if not first and _says_something(line):
                first = time.monotonic() - began
    except (OSError, HTTPException) as error:
        raise BenchmarkError(f"{to.shown} cannot be asked: {to.quote(str(error))}") from None
    finally:
        link.close()
    total = time.monotonic() - began
    return Answered(first or total, total)


def _says_something(line: bytes) -> bool:
    """Whether a line of the stream holds a word or a part of a tool call."""
    if not line.startswith(b"data:"):
        return False
    try:
        delta = json.loads(line[5:])["choices"][0]["delta"]
        return bool(delta.get("content") or delta.get("tool_calls"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
