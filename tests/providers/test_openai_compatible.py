"""Replies of an OpenAI-compatible server, over a real socket."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from runtime.providers import (
    MOST_TOKENS,
    CallRequest,
    Message,
    ModelRequest,
    Provider,
    TextPiece,
    Usage,
    build,
)
from tests import openai_server
from tests.openai_server import Answer, OpenAIServer
from tests.providers.conftest import KEY, ask, offers, reply_of

CALLS: list[dict[str, Any]] = [
    {"name": "write_file", "arguments": {"path": "a.txt", "content": "Grüße 😀"}, "id": "call_a"},
    {"name": "ls", "arguments": "{}", "id": "call_b"},
]


def event(delta: object, finish: str | None = None) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


@pytest.mark.parametrize("stream", [True, False])
def test_it_gives_text_calls_and_usage(server: OpenAIServer, provider: Provider, stream: bool) -> None:
    server.answer(Answer(text="Ich grüße 😀.", tool_calls=CALLS))
    reply = reply_of(provider, ask(stream=stream, tools=offers("ls", "write_file")))
    assert reply.text == "Ich grüße 😀."
    assert [call.id for call in reply.tool_calls] == ["call_a", "call_b"]
    assert [json.loads(call.arguments) for call in reply.tool_calls] == [CALLS[0]["arguments"], {}]
    assert reply.usage == Usage(11, 7)
    assert reply.finish_reason == "tool_calls"
    assert reply.model == "test-model"
    assert server.requests[0].body["stream"] is stream


def test_it_sends_the_key_as_a_bearer_and_nowhere_else(server: OpenAIServer, provider: Provider) -> None:
    reply_of(provider)
    [request] = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps(request.body)
    assert KEY not in repr(provider)


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_it_finds_the_server_however_the_base_is_written(server: OpenAIServer, end: str) -> None:
    base = server.base_url.removesuffix("/v1") + end
    assert reply_of(build("openai_compatible", base_url=base)).text == "You said: Hello"
    assert server.requests[0].path == "/v1/chat/completions"


def test_it_reaches_localhost_by_name(server: OpenAIServer) -> None:
    base = server.base_url.replace("127.0.0.1", "localhost")
    assert reply_of(build("openai_compatible", base_url=base)).text == "You said: Hello"


def test_it_goes_past_a_proxy_to_this_machine(
    server: OpenAIServer, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert reply_of(provider).text == "You said: Hello"


def test_it_uses_the_proxy_to_other_machines(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.base_url.removesuffix("/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert reply_of(build("openai_compatible", base_url="http://models.invalid")).text == "You said: Hello"
    assert server.requests[0].path == "http://models.invalid/v1/chat/completions"


def test_it_hands_text_on_as_it_comes(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(text="abcdefghij", piece=1, pause=0.02))
    pieces = [item.text for item in provider.stream(ask()) if isinstance(item, TextPiece)]
    assert len(pieces) > 3


def test_it_takes_an_answer_in_one_piece_where_it_asked_for_a_stream(
    server: OpenAIServer, provider: Provider
) -> None:
    server.answer(Answer(text="Hi", tool_calls=CALLS, plain=True))
    reply = reply_of(provider)
    assert (reply.text, len(reply.tool_calls), reply.usage) == ("Hi", 2, Usage(11, 7))


@pytest.mark.parametrize(
    ("refusal", "key", "value"),
    [
        ("Unrecognized argument: stream_options", "stream_options", None),
        ("Streaming is not supported here.", "stream", False),
        ("Use max_completion_tokens instead of max_tokens.", "max_completion_tokens", 9),
    ],
)
def test_it_learns_what_the_server_refuses(
    server: OpenAIServer, provider: Provider, refusal: str, key: str, value: object
) -> None:
    server.answer(Answer(status=400, text=refusal))
    request = ask(max_output_tokens=9)
    for _ in range(2):
        assert reply_of(provider, request).text == "You said: Hello"
    assert [request.body.get(key) == value for request in server.requests] == [False, True, True]


def test_it_gives_no_id_twice_in_a_transcript(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(tool_calls=[{"name": "ls", "id": name} for name in ("call_1", "", "x", "x")]))
    earlier = (CallRequest("call_1", "ls", "{}"),)
    messages = (Message("user", "Go"), Message("assistant", "", earlier), Message("tool", "", (), "call_1"))
    ids = [call.id for call in reply_of(provider, ModelRequest("m", messages)).tool_calls]
    assert len({*ids, "call_1", ""}) == 6
    assert ids[2] == "x"


def test_it_passes_a_hundred_calls_through(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(tool_calls=[{"name": "ls", "id": f"c{n}"} for n in range(100)]))
    assert len(reply_of(provider).tool_calls) == 100


@pytest.mark.parametrize(
    "events",
    [
        [f"data: {event({'content': 'Hi'})}\r\n\r\n", f"data:{event({}, 'stop')}\r\n\r\ndata:[DONE]\r\n\r\n"],
        ["\ufeff\n", ": waiting\n\n", f"data: {event({'content': 'Hi'}, 'stop')}\n\n"],
        [f"data: {event({'content': [{'type': 'text', 'text': 'Hi'}]})}\n\n", f"data: {event({}, 'stop')}"],
        [f"data: {event({'role': 'x', 'content': None})}\n", f"data: {event({'content': 'Hi'}, 'stop')}\n"],
        [f"id: 1\nevent: x\ndata: {event({'content': 'Hi'}, 'stop')}\n\n", "data: [DONE]\n\ndata: {}\n\n"],
        [f"data: {event({'reasoning_content': 'Hm'})}\n\n", f"data: {event({'content': 'Hi'}, 'stop')}\n\n"],
        [f"data: {event({'content': 'H'})[:20]}", f"{event({'content': 'H'})[20:]}\n\n",
         f"data: {event({'content': 'i'}, 'stop')}\n\n"],
        ['data: {"choices": null}\n\n',
         'data: {"choices": [null, {"index": 1, "delta": {"content": "x"}}]}\n\n',
         f"data: {event({'content': 'Hi'}, 'stop')}\n\n"],
        ['data: {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'],
    ],
)  # fmt: skip
def test_it_reads_every_dialect(server: OpenAIServer, provider: Provider, events: list[str]) -> None:
    server.answer(Answer(events=events))
    reply = reply_of(provider)
    assert (reply.text, reply.finish_reason) == ("Hi", "stop")


@pytest.mark.parametrize(
    ("given", "calls", "taken"),
    [
        ("stop", CALLS, "tool_calls"),
        ("function_call", CALLS, "tool_calls"),
        ("length", CALLS, "length"),
        ("content_filter", [], "content_filter"),
        ("eos\x00\u202e" + "x" * 100, [], "eos" + "x" * 37),
    ],
)
def test_it_keeps_the_finish_reason(
    server: OpenAIServer, provider: Provider, given: str, calls: list[dict[str, Any]], taken: str
) -> None:
    server.answer(Answer(text="Hi", tool_calls=calls, finish_reason=given))
    assert reply_of(provider).finish_reason == taken


@pytest.mark.parametrize(
    "counts",
    [
        None,
        {},
        {"prompt_tokens": -1, "completion_tokens": 2},
        {"prompt_tokens": MOST_TOKENS + 1, "completion_tokens": 2},
        "7",
        {"prompt_tokens": True},
    ],
)
def test_it_takes_no_usage_that_is_none(server: OpenAIServer, provider: Provider, counts: object) -> None:
    document = openai_server.whole(Answer(text="Hi")) | {"usage": counts}
    server.answer(Answer(body=json.dumps(document)))
    assert reply_of(provider).usage is None


def test_it_is_content_when_the_server_stays_on_the_line(server: OpenAIServer, provider: Provider) -> None:
    server.answer(Answer(text="Hi", hang=30))
    assert reply_of(provider).text == "Hi"
    assert server.dropped.wait(5)


def test_it_does_not_wait_for_usage_that_never_comes(
    server: OpenAIServer, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.providers.openai_compatible.USAGE_SECONDS", 0.05)
    server.answer(Answer(events=[f"data: {event({'content': 'Hi'}, 'stop')}\n\n"], hang=30))
    assert reply_of(provider).text == "Hi"


def test_it_can_be_asked_by_a_server_of_its_own_process() -> None:
    """The test server as other tests use it: started as a process, its answers set over HTTP."""
    command = [sys.executable, str(Path(openai_server.__file__)), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            base = process.stdout.readline().removeprefix("ready: ").strip()
            root = base.removesuffix("/v1")
            stored = json.dumps([{"text": "From afar"}]).encode()
            urllib.request.urlopen(f"{root}/_answers", data=stored).close()
            assert reply_of(build("openai_compatible", base_url=base)).text == "From afar"
            with urllib.request.urlopen(f"{root}/_requests") as answer:
                assert [item["path"] for item in json.load(answer)] == ["/v1/chat/completions"]
        finally:
            process.terminate()
