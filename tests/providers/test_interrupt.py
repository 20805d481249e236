"""A model call can be left at any moment: the socket goes with it, and nothing is left behind."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from runtime.providers import Provider, Reply, TextPiece, Tick, build
from tests.openai_server import Answer, OpenAIServer
from tests.providers.conftest import ask, reply_of

Stream = Generator[TextPiece | Tick | Reply, None, None]


def stream_of(provider: Provider) -> Stream:
    return cast(Stream, provider.stream(ask()))


SLOW = {
    "before the head": Answer(first_byte=60),
    "after the head": Answer(after_head=60),
    "in the middle": Answer(text="Hello", hang=60, finish_reason="none"),
    "in a flood": Answer(text="x" * 300_000, piece=3),
}


@pytest.mark.parametrize("case", SLOW)
def test_it_drops_the_connection_when_it_is_closed(
    server: OpenAIServer, provider: Provider, case: str
) -> None:
    server.answer(SLOW[case])
    stream = stream_of(provider)
    for _ in range(3):
        next(stream)
    stream.close()
    assert server.dropped.wait(10)
    gc.collect()  # what was left unclosed would complain now, and complaints are errors


def test_it_ticks_while_nothing_comes(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(text="Hi", first_byte=0.35))
    items = list(provider.stream(ask()))
    assert items[:2] == [Tick(), Tick()]
    assert isinstance(items[-1], Reply)


def test_it_makes_no_request_before_it_is_asked(server: OpenAIServer, provider: Provider) -> None:
    stream_of(provider).close()
    assert server.requests == []


def test_it_drops_the_connection_when_it_is_forgotten(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(first_byte=60))
    next(stream_of(provider))
    gc.collect()
    assert server.dropped.wait(10)


def test_it_passes_a_callers_exception_through(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(first_byte=60))
    stream = stream_of(provider)
    next(stream)
    with pytest.raises(KeyError):
        stream.throw(KeyError("the caller's"))
    assert server.dropped.wait(10)


def test_it_works_in_many_threads_at_once(server: OpenAIServer, provider: Provider) -> None:
    server.answer(*(Answer(text=f"answer {number}", piece=1, pause=0.005) for number in range(16)))
    with ThreadPoolExecutor(8) as pool:
        texts = {future.result().text for future in [pool.submit(reply_of, provider) for _ in range(16)]}
    assert texts == {f"answer {number}" for number in range(16)}


def test_it_may_be_closed_in_another_thread(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(text="Hello", hang=60, finish_reason="none"))
    stream = stream_of(provider)
    next(stream)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(stream.close).result()
    assert server.dropped.wait(10)


def test_it_leaves_no_thread_behind(server: OpenAIServer, provider: Provider) -> None:
    def ours() -> list[str]:
        return [thread.name for thread in threading.enumerate() if "process_request" not in thread.name]

    reply_of(provider)
    before = ours()
    for _ in range(3):
        reply_of(provider)
    assert ours() == before


def test_it_does_not_wait_for_a_name_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    released, asked = threading.Event(), threading.Event()
    real: Callable[..., Any] = socket.getaddrinfo

    def hanging(host: Any, *arguments: Any, **options: Any) -> Any:
        if "slow.invalid" not in str(host):
            return real(host, *arguments, **options)
        asked.set()
        released.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    stream = stream_of(build("openai_compatible", base_url="http://slow.invalid/v1"))
    assert next(stream) == Tick()
    assert asked.is_set()
    stream.close()
    assert not released.is_set()  # closed, though the look-up still hangs
    released.set()
