"""The embedded demonstration model as a run meets it: transcript in, reply out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from runtime.providers import Message, Misconfigured, ModelRequest, Reply, TextPiece, Tick, build
from runtime.providers.scripted import Scripted
from tests.providers.conftest import ask, offers, reply_of

TOOLS = offers(
    "ls", "read_file", "write_file", "edit_file", "glob", "grep", "write_todos", "save_artifact"
)  # fmt: skip
FAST = build("scripted", base_url="scripted://fast")
REJECTED = "The reviewer rejected this call. It was not run. Reason: not on a Friday"
Outcomes = dict[str, str]


def results(name: str) -> str:
    """What the tools say when all goes well."""
    return {
        "write_file": "Created 'a.txt': 1 line (5 bytes).",
        "edit_file": "Edited 'a.txt'; it now has 1 line (5 bytes).",
        "read_file": "hello",
        "ls": "a.txt  5 bytes",
        "grep": "a.txt:1:hello",
        "write_todos": "Plan: 0 of 2 done.",
        "save_artifact": "Saved 'note.md': 1 line (5 bytes).",
    }[name]


def converse(text: str, outcome: Callable[[str], str] = results, tools: object = TOOLS) -> list[Reply]:
    """The replies of a whole run; `outcome` gives the result of a tool by its name."""
    messages = [Message("system", "You are helpful."), Message("user", text)]
    replies: list[Reply] = []
    while not replies or replies[-1].tool_calls:
        assert len(replies) < 15
        replies.append(reply_of(FAST, ModelRequest("demo", tuple(messages), tools)))  # type: ignore[arg-type]
        messages.append(Message("assistant", replies[-1].text, replies[-1].tool_calls))
        for call in replies[-1].tool_calls:
            messages.append(Message("tool", outcome(call.name), tool_call_id=call.id))
    return replies


def but(**other: str) -> Callable[[str], str]:
    """The usual results, but for these."""
    return lambda name: other.get(name) or results(name)


def names(replies: list[Reply]) -> list[list[str]]:
    return [[call.name for call in reply.tool_calls] for reply in replies]


def test_it_writes_a_file() -> None:
    first, last = converse("write hello to a.txt")
    assert json.loads(first.tool_calls[0].arguments) == {"path": "a.txt", "content": "hello"}
    assert first.text == "I will write a.txt."
    assert (first.finish_reason, last.finish_reason) == ("tool_calls", "stop")
    assert "Created 'a.txt'" in last.text


def test_it_puts_independent_calls_into_one_reply() -> None:
    assert names(converse("write a to a.txt; write b to b.txt and then save artifact")) == [
        ["write_file", "write_file", "save_artifact"],
        [],
    ]
    assert names(converse("read a.txt and find x in b.txt and list files")) == [
        ["read_file", "grep", "ls"],
        [],
    ]


def test_it_waits_where_the_order_matters() -> None:
    assert names(converse("write a to a.txt and then read a.txt; list files")) == [
        ["write_file"],
        ["read_file", "ls"],
        [],
    ]
    assert names(converse("write a to a.txt; write b to a.txt")) == [["write_file"], ["write_file"], []]


def test_it_says_that_it_was_rejected_and_why() -> None:
    *_, last = converse("write hello to a.txt and then read it", but(write_file=REJECTED))
    assert len(_) == 1  # nothing more is asked for: reading would need the file
    assert "rejected" in last.text
    assert "not on a Friday" in last.text
    assert "left out" in last.text


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "The reviewer rejected this call without giving a reason. It was not run.",
            "rejected, without a reason",
        ),
        ("expired, not decided", "not decided in time"),
        ("This call was not run. The rule 'no writing' forbids it.", "The rule 'no writing' forbids it."),
        ("write_file failed: No space left on device.", "failed: write_file failed: No space left"),
        ("The path 'a.txt' is a folder, not a file.", "failed: The path 'a.txt' is a folder"),
        ("Done by hand, under b.txt.", "was answered: Done by hand, under b.txt."),
    ],
)
def test_it_reports_what_came_of_a_call(said: str, words: str) -> None:
    assert words in converse("write hello to a.txt", but(write_file=said))[-1].text


def test_it_repeats_a_long_reason_in_full() -> None:
    reason = "because " * 400 + "enough"
    assert reason in converse("write a to a.txt", but(write_file=REJECTED + reason))[-1].text


def test_it_quotes_what_it_read_in_short() -> None:
    last = converse("read a.txt", but(read_file="```\n" + "long " * 1000))[-1]
    assert "5,004 characters in all" in last.text
    assert "````\n```\nlong" in last.text
    assert len(last.text) < 600


def test_it_speaks_of_the_arguments_that_a_reviewer_put_in() -> None:
    request = ask("read a.txt", tools=TOOLS)
    call = reply_of(FAST, request).tool_calls[0]
    edited = Message("assistant", "", (type(call)(call.id, call.name, '{"path": "b.txt"}'),))
    answer = Message("tool", "other", tool_call_id=call.id)
    last = reply_of(FAST, ModelRequest("demo", (*request.messages, edited, answer), TOOLS))
    assert "b.txt says" in last.text


def test_it_calls_only_what_was_offered() -> None:
    [only] = converse("write hello to a.txt", tools=())
    assert "write_file" in only.text
    assert "does not have" in only.text
    assert names(converse("read a.txt; write b to b.txt", tools=offers("read_file"))) == [["read_file"], []]


def test_it_plans_marks_and_sums_up() -> None:
    replies = converse("plan a greeting: write hello to a.txt, then read a.txt, then dance")
    assert names(replies) == [
        ["write_todos"],
        ["write_file"],
        ["write_todos", "read_file"],
        ["write_todos"],
        [],
    ]
    lists = [
        json.loads(c.arguments)["todos"] for r in replies for c in r.tool_calls if c.name == "write_todos"
    ]
    assert [[todo["status"] for todo in todos] for todos in lists] == [
        ["in_progress", "pending", "pending"],
        ["completed", "in_progress", "pending"],
        ["completed", "completed", "pending"],
    ]
    assert "2 of 3 steps done" in replies[-1].text
    assert "a greeting" in replies[-1].text


def test_it_goes_on_with_a_plan_after_a_rejection() -> None:
    replies = converse("plan: write hello to a.txt, list files", but(write_file=REJECTED))
    assert names(replies) == [["write_todos"], ["write_file"], ["write_todos", "ls"], ["write_todos"], []]
    assert "not on a Friday" in replies[-1].text
    assert "1 of 2 steps done" in replies[-1].text


def test_it_plans_without_todos_where_it_has_none() -> None:
    tools = offers("write_file", "read_file")
    assert names(converse("plan a party", tools=tools)) == [["write_file"], ["read_file"], []]
    assert "steps done" in converse("plan a party", tools=())[-1].text


def test_it_says_what_it_is() -> None:
    for text in ("hello", "", "Who are you?"):
        [reply] = converse(text)
        for words in (
            "embedded demonstration model",
            "HARNESS_MODEL_BASE_URL",
            "HARNESS_MODEL_API_KEY",
            "write TEXT",
        ):
            assert words in reply.text


def test_it_does_sums() -> None:
    assert "12 * (3+4) = 84." in converse("what is 12 * (3+4)?")[-1].text


def test_it_answers_the_last_message_of_a_thread() -> None:
    earlier = (Message("user", "read a.txt"), Message("assistant", "It says hello."))
    [only] = [reply_of(FAST, ModelRequest("demo", (*earlier, Message("user", "1+1")), TOOLS))]
    assert only.text == "1+1 = 2."


def test_it_gives_the_same_reply_to_the_same_transcript() -> None:
    assert converse("plan a party") == converse("plan a party")
    again = build("scripted", base_url="scripted://fast")
    assert reply_of(again, ask("ls", tools=TOOLS)) == reply_of(FAST, ask("ls", tools=TOOLS))


def test_it_gives_every_call_an_id_of_its_own() -> None:
    replies = converse("plan a party") + converse("write a to a; write b to b; write a to a")
    ids = [call.id for reply in replies for call in reply.tool_calls]
    assert len(ids) == len(set(ids))


def test_it_estimates_usage() -> None:
    usage = reply_of(FAST, ask("x" * 400)).usage
    assert usage
    assert usage.input_tokens == 100
    assert usage.output_tokens > 50


def test_it_speaks_word_by_word() -> None:
    pieces = [item for item in build("scripted").stream(ask("1+1; 2+2; 3+3")) if isinstance(item, TextPiece)]
    assert len(pieces) >= 9
    assert all(len(piece.text.split()) == 1 for piece in pieces)


def test_it_ticks_in_its_pauses() -> None:
    items = list(build("scripted", base_url="scripted://250ms").stream(ask("1+1")))
    assert items[0] == Tick()
    assert items.count(Tick()) > 4


@pytest.mark.timeout(30)  # a pause lasts 60 s
def test_it_is_left_in_the_middle_of_a_pause() -> None:
    stream = build("scripted", base_url="scripted://60000ms").stream(ask("hello"))
    for _ in range(3):
        next(stream)
    stream.close()  # type: ignore[attr-defined]


def test_it_speaks_in_one_piece_when_no_stream_is_wanted() -> None:
    items = list(build("scripted").stream(ask("1+1; 2+2", stream=False)))
    assert sum(isinstance(item, TextPiece) for item in items) == 1


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/", "scripted://slow", "scripted://99999ms", "fast and slow"]
)
def test_it_refuses_other_addresses(address: str) -> None:
    with pytest.raises(Misconfigured, match="scripted://fast"):
        build("scripted", base_url=address)


def test_it_builds_only_kinds_there_are() -> None:
    assert isinstance(FAST, Scripted)
    with pytest.raises(Misconfigured, match="openai_compatible, scripted"):
        build("telepathy")
