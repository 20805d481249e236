"""A server that speaks the OpenAI chat-completions protocol over a real socket, with every fault on demand.

In a test: `with running() as server: server.answer(Answer(text="hi"))`, `server.base_url`, `server.requests`.
As a process: `python tests/openai_server.py --port 0` prints `ready: http://127.0.0.1:PORT/v1`; answers are
then set by `POST /_answers` (a JSON list of objects with the fields of Answer) and requests read by
`GET /_requests`. Without answers in store it repeats the last user message. Standard library only.
"""

from __future__ import annotations

import argparse
import gzip
import json
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """One answer. Seconds for times, characters for sizes; faults are off by default."""

    text: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)  # {"name", "arguments", "id"?}
    finish_reason: str = ""  # "" derives it; "none" leaves it out, and [DONE] with it
    usage: tuple[int, int] | None = (11, 7)
    model: str = "test-model"
    piece: int = 5  # how long the pieces are in which text and arguments are streamed
    pause: float = 0.0  # between two events
    first_byte: float = 0.0  # before the head of the answer
    after_head: float = 0.0  # between the head and the first event
    plain: bool = False  # one JSON document, even when a stream was asked for
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None  # exactly this instead of an answer
    events: list[str] | None = None  # exactly these pieces of an event stream
    reset: str = ""  # "before" the head, or in the "middle" of the body
    zeros: int = 0  # a gzipped body that unfolds to so many bytes
    padding: int = 0  # a body of so many bytes that are no answer
    hang: float = 0.0  # keeps the connection open so long after the last event


@dataclass
class Recorded:
    """A request as it came; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class OpenAIServer(ThreadingHTTPServer):
    """Answers in the order they were given; see Answer."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), Handler)
        self.requests: list[Recorded] = []
        self.dropped = threading.Event()  # a client went away before its answer was whole
        self._answers: deque[Answer] = deque()

    @property
    def base_url(self) -> str:
        """What a user types as the base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def answer(self, *answers: Answer) -> None:
        """Puts answers in store."""
        self._answers.extend(answers)

    def forget(self) -> None:
        """Throws away what is in store."""
        self._answers.clear()

    def next_answer(self, body: dict[str, Any]) -> Answer:
        """The answer in store, or an echo."""
        try:
            return self._answers.popleft()
        except IndexError:
            said = [str(m.get("content")) for m in body.get("messages", []) if m.get("role") == "user"]
            return Answer(text=f"You said: {said[-1] if said else ''}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what many tests are about; nothing to print."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: OpenAIServer

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests read the records."""

    def do_GET(self) -> None:
        """The records, and the list of models."""
        if self.path == "/_requests":
            self._json(200, [asdict(item) for item in self.server.requests])
        elif self.path.endswith("/models"):
            self._json(200, {"object": "list", "data": [{"id": "test-model", "object": "model"}]})
        else:
            self._json(404, {"error": {"message": f"no such page: {self.path}"}})

    def do_POST(self) -> None:
        """A chat completion, or answers to store."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path == "/_answers":
            self.server.answer(*(Answer(**item) for item in body))
            self._json(200, {"stored": len(body)})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(Recorded(self.path, headers, body))
        if not self.path.partition("?")[0].endswith("/chat/completions"):
            self._json(404, {"error": {"message": f"no such page: {self.path}"}})
            return
        try:
            self._answer(self.server.next_answer(body), body)
        except (ConnectionError, TimeoutError):
            self.server.dropped.set()
            self.close_connection = True

    def _answer(self, answer: Answer, body: dict[str, Any]) -> None:
        self._wait(answer.first_byte)
        if answer.reset == "before":
            self._reset()
        elif answer.zeros:
            self._bomb(answer.zeros)
        elif answer.padding:
            self._stream([b" " * 65_536] * (answer.padding // 65_536), answer, "application/json")
        elif answer.body is not None:
            self._send(answer.status, answer.body.encode(), answer.headers)
        elif answer.status != 200:
            self._json(answer.status, {"error": {"message": answer.text or "no"}}, answer.headers)
        elif answer.events is not None:
            self._stream([event.encode() for event in answer.events], answer)
        elif answer.plain or not body.get("stream"):
            self._json(200, whole(answer), answer.headers)
        else:
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            self._stream([f"data: {data}\n\n".encode() for data in events(answer, usage)], answer)

    def _stream(self, pieces: list[bytes], answer: Answer, kind: str = "text/event-stream") -> None:
        self.send_response(answer.status)
        for name, value in ({"Content-Type": kind, "Transfer-Encoding": "chunked"} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self._wait(answer.after_head)
        half = len(pieces) // 2
        for number, piece in enumerate(pieces):
            if answer.reset == "middle" and number == half:
                self._wait(0.05)  # let what was sent arrive: a reset discards what is under way
                self._reset()
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self._wait(answer.pause)
        self._wait(answer.hang)
        self.wfile.write(b"0\r\n\r\n")

    def _bomb(self, size: int) -> None:
        body = gzip.compress(b"\0" * size)
        self._send(200, body, {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"})

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(
            status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})}
        )

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _wait(self, seconds: float) -> None:
        """Sleeps, and notices at once when the client goes away."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], left)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionAbortedError

    def _reset(self) -> None:
        # Lingering for no time sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def events(answer: Answer, usage: bool) -> Iterator[str]:
    """The data of the events of a streamed answer."""
    yield _chunk(answer, {"role": "assistant", "content": ""})
    for piece in _cut(answer.text, answer.piece):
        yield _chunk(answer, {"content": piece})
    for index, call in enumerate(_calls(answer)):
        arguments = call["function"].pop("arguments")
        yield _chunk(answer, {"tool_calls": [{"index": index, **call}]})
        for piece in _cut(arguments, answer.piece):
            yield _chunk(answer, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if answer.finish_reason == "none":
        return
    yield _chunk(answer, {}, _finish(answer))
    if usage and answer.usage:
        yield json.dumps({"model": answer.model, "choices": [], "usage": _usage(answer)})
    yield "[DONE]"


def whole(answer: Answer) -> dict[str, Any]:
    """The document of an answer that is not streamed."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.tool_calls:
        message["tool_calls"] = _calls(answer)
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer)}
    return {"id": "1", "model": answer.model, "choices": [choice], "usage": _usage(answer)}


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"id": call.get("id", f"call_{number}"), "type": "function", "function": _function(call)}
        for number, call in enumerate(answer.tool_calls, 1)
    ]


def _function(call: dict[str, Any]) -> dict[str, Any]:
    arguments = call.get("arguments", {})
    return {
        "name": call["name"],
        "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
    }


def _chunk(answer: Answer, delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps(
        {"id": "1", "object": "chat.completion.chunk", "model": answer.model, "choices": [choice]}
    )


def _finish(answer: Answer) -> str | None:
    if answer.finish_reason:
        return None if answer.finish_reason == "none" else answer.finish_reason
    return "tool_calls" if answer.tool_calls else "stop"


def _usage(answer: Answer) -> dict[str, int] | None:
    if answer.usage is None:
        return None
    read, written = answer.usage
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@contextmanager
def running() -> Iterator[OpenAIServer]:
    """A server in a thread of this process, on a free port of loopback."""
    server = OpenAIServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Runs until it is killed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=0)
    chosen = options.parse_args()
    server = OpenAIServer(chosen.host, chosen.port)
    print(f"ready: {server.base_url}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
