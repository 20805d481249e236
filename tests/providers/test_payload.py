"""What is sent, and what servers teach about themselves by refusing it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runtime.providers import CallRequest, Message, ModelRequest
from runtime.providers.payload import Habit, learn, payload
from tests.providers.conftest import ask, offers

NONE: frozenset[Habit] = frozenset()


def sent(request: ModelRequest, *habits: Habit) -> dict[str, Any]:
    body = json.loads(payload(request, frozenset(habits)))
    assert isinstance(body, dict)
    return body


def test_it_sends_no_more_than_was_asked() -> None:
    assert sent(ask("Hi", stream=False)) == {
        "model": "test-model",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
    }


def test_it_sends_every_option() -> None:
    body = sent(ask("Hi", tools=offers("ls"), temperature=0.0, max_output_tokens=5))
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert (body["temperature"], body["max_tokens"]) == (0.0, 5)
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "ls", "description": "The tool ls.", "parameters": {"type": "object"}},
        }
    ]


def test_it_sends_the_whole_transcript() -> None:
    messages = (
        Message("system", "Be brief."),
        Message("user", "Look"),
        Message("assistant", "", (CallRequest("c1", "ls", '{"path": "."}'),)),
        Message("tool", "a.txt", tool_call_id="c1"),
        Message("assistant", "There is a.txt."),
    )
    assert sent(ModelRequest("m", messages))["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Look"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": '{"path": "."}'}}
            ],
        },
        {"role": "tool", "content": "a.txt", "tool_call_id": "c1"},
        {"role": "assistant", "content": "There is a.txt."},
    ]


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ('{"a": ', {"malformed_arguments": '{"a": '}),
        ("[1]", {"malformed_arguments": "[1]"}),
        ("[" * 100_000, {"malformed_arguments": "[" * 100_000}),
    ],
)
def test_it_sends_arguments_that_servers_can_parse(raw: str, arguments: object) -> None:
    messages = (Message("assistant", "", (CallRequest("c", "ls", raw),)),)
    [message] = sent(ModelRequest("m", messages))["messages"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == arguments


def test_it_sends_valid_utf8_whatever_the_text() -> None:
    assert sent(ask("half \ud83d, whole 😀"))["messages"][0]["content"] == "half ?, whole 😀"


def test_it_leaves_out_what_the_server_refuses() -> None:
    request = ask(max_output_tokens=5)
    assert "stream_options" not in sent(request, Habit.NO_STREAM_OPTIONS)
    assert sent(request, Habit.NO_STREAM)["stream"] is False
    body = sent(request, Habit.NEW_TOKEN_LIMIT)
    assert body["max_completion_tokens"] == 5
    assert "max_tokens" not in body


REFUSALS = [
    (400, "Unrecognized request argument supplied: stream_options", Habit.NO_STREAM_OPTIONS),
    (
        422,
        '{"detail":[{"loc":["body","stream_options"],"msg":"extra fields not permitted"}]}',
        Habit.NO_STREAM_OPTIONS,
    ),
    (400, "Unsupported parameter: use 'max_completion_tokens' instead.", Habit.NEW_TOKEN_LIMIT),
    (400, "Streaming is not supported for this model", Habit.NO_STREAM),
    (501, '"stream": true is unsupported', Habit.NO_STREAM),
    (400, "the model does not support tools", None),
    (401, "stream_options", None),
    (500, "stream_options", None),
    (400, "", None),
]


@pytest.mark.parametrize(("status", "said", "habit"), REFUSALS)
def test_it_learns_from_a_refusal(status: int, said: str, habit: Habit | None) -> None:
    request = ask(max_output_tokens=5)
    assert learn(status, said.encode(), request, NONE) is habit
    if habit:
        assert learn(status, said.encode(), request, frozenset({habit})) is None


def test_it_learns_nothing_about_what_it_did_not_send() -> None:
    assert learn(400, b"stream_options", ask(stream=False), NONE) is None
    assert learn(400, b"max_completion_tokens", ask(), NONE) is None
