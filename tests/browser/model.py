"""A model whose replies go on only when the test says so: nothing here depends on how fast a machine is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests import openai_server
from tests.openai_server import Answer, OpenAIServer

LOOK_SECONDS = 0.005  # how often a held reply looks whether its reader went away
WITHOUT_END = 1_000_000


class Steps(float):
    """The pause of an answer that waits, after each piece, until it may go on."""

    def __new__(cls) -> Steps:
        return super().__new__(cls, 0.0)

    def __init__(self) -> None:
        self._free = threading.Semaphore(0)

    def let(self, pieces: int) -> None:
        """So many more pieces may be sent."""
        self._free.release(pieces)

    def let_all(self) -> None:
        """The rest may be sent."""
        self._free.release(WITHOUT_END)

    def taken(self) -> bool:
        """Whether a piece may be sent."""
        return self._free.acquire(timeout=LOOK_SECONDS)


class Handler(openai_server.Handler):
    """A connection that knows Steps."""

    def _wait(self, seconds: float) -> None:
        if not isinstance(seconds, Steps):
            super()._wait(seconds)
            return
        while not seconds.taken():
            super()._wait(LOOK_SECONDS)


class Model:
    """The test server with what the browser tests ask of it."""

    def __init__(self, server: OpenAIServer) -> None:
        self.server = server
        self._held: list[Steps] = []

    def will_say(self, *texts: str) -> None:
        """Whole replies, one after the other."""
        self.server.answer(*(Answer(text=text, piece=40) for text in texts))

    def will_say_slowly(self, text: str, piece: int) -> Steps:
        """A reply of pieces so long; none is sent before the test lets it.

        Let pieces end in a blank: the product may keep the beginning of a secret back until it has seen more.
        """
        steps = Steps()
        self._held.append(steps)
        self.server.answer(Answer(text=text, piece=piece, pause=steps))
        return steps

    def will_call(self, *calls: dict[str, Any], text: str = "") -> None:
        """A reply with tool calls, each {"name", "arguments"}."""
        self.server.answer(Answer(text=text, tool_calls=list(calls), piece=2_000))

    def messages(self) -> list[dict[str, Any]]:
        """The transcript of the latest request."""
        found: list[dict[str, Any]] = self.server.requests[-1].body["messages"]
        return found

    def told(self) -> list[str]:
        """What the tools said in the latest request."""
        return [str(message["content"]) for message in self.messages() if message["role"] == "tool"]

    def forget(self) -> None:
        """Nothing of one test reaches the next: no answer in store, no reply held back."""
        self.server.forget()
        for steps in self._held:
            steps.let_all()
        self._held.clear()


@contextmanager
def running() -> Iterator[Model]:
    """The model on a free port."""
    with openai_server.running() as server:
        server.RequestHandlerClass = Handler
        yield Model(server)
