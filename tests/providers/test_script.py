"""Scripts: a message that dictates the model's turns, as tests of every room use them."""

from __future__ import annotations

import json

import pytest

from runtime.providers import CallRequest, Message, ModelRequest, build
from tests.providers.conftest import ask, reply_of

FAST = build("scripted", base_url="scripted://fast")


def script(*steps: object) -> str:
    return "script:" + json.dumps(list(steps))


def test_it_gives_one_step_for_each_turn() -> None:
    text = script(
        {"text": "Let me see.", "tool_calls": [{"name": "ls", "arguments": {"path": "."}}, {"name": "ls"}]},
        {"tool_calls": [{"name": "no_such_tool", "arguments": '{"broken'}]},
        {"text": "Done."},
    )
    messages = [Message("user", text)]
    turns = []
    for _ in range(4):
        reply = reply_of(FAST, ModelRequest("demo", tuple(messages)))
        turns.append((reply.text, [(call.name, call.arguments) for call in reply.tool_calls]))
        messages.append(Message("assistant", reply.text, reply.tool_calls))
        messages += [Message("tool", "ok", tool_call_id=call.id) for call in reply.tool_calls]
    assert turns == [
        ("Let me see.", [("ls", '{"path": "."}'), ("ls", "{}")]),
        ("", [("no_such_tool", '{"broken')]),
        ("Done.", []),
        ("The script is over.", []),
    ]


def test_it_counts_from_the_scripts_own_message() -> None:
    earlier = (
        Message("user", "1+1"),
        Message("assistant", "2"),
        Message("assistant", "", (CallRequest("a", "b", ""),)),
    )
    messages = (*earlier, Message("user", "  " + script({"text": "first"}, {"text": "second"})))
    assert reply_of(FAST, ModelRequest("demo", messages)).text == "first"


def test_it_can_ask_for_a_hundred_calls() -> None:
    text = script({"tool_calls": [{"name": "ls"}] * 100})
    calls = reply_of(FAST, ask(text)).tool_calls
    assert len({call.id for call in calls}) == 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("script:", "cannot be read"),
        ("script: {not json}", "cannot be read"),
        ("script:" + "[" * 100_000, "cannot be read"),
        ("script:[" + "9" * 5000 + "]", "cannot be read"),
        ('script: {"text": "x"}', "must be a list"),
        ('script: ["x"]', "Step 1"),
        ('script: [{"text": 3}]', "Step 1"),
        ('script: [{"tool_calls": "ls"}]', "Step 1"),
        ('script: [{"tool_calls": ["ls"]}]', 'needs a "name"'),
        ('script: [{"tool_calls": [{"name": 3}]}]', 'needs a "name"'),
    ],
)
def test_it_says_what_is_wrong_with_a_script(text: str, words: str) -> None:
    reply = reply_of(FAST, ask(text))
    assert words in reply.text
    assert reply.tool_calls == ()


def test_it_streams_the_text_of_a_step_as_it_is() -> None:
    text = "  two  spaces\n\n and\tmore \n"
    assert reply_of(build("scripted"), ask(script({"text": text}))).text == text
