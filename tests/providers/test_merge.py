"""Replies put together from the pieces that servers really send."""

from __future__ import annotations

import gc
import json
import time
from typing import Any

import pytest

from runtime import canonical
from runtime.providers import merge
from runtime.providers.merge import ReplyBuilder, ReplyTooLong, generated_id

Calls = list[tuple[str, str, str]]


def build(*deltas: dict[str, Any]) -> ReplyBuilder:
    builder = ReplyBuilder()
    for delta in deltas:
        builder.add(delta)
    return builder


def calls(*pieces: dict[str, Any] | list[dict[str, Any]]) -> Calls:
    """The calls of deltas, each given as its one piece or its list of pieces."""
    deltas = [{"tool_calls": piece if isinstance(piece, list) else [piece]} for piece in pieces]
    counter = iter(range(1, 1000))
    made = build(*deltas).calls((), lambda: f"made{next(counter)}")
    return [(call.id, call.name, call.arguments) for call in made]


def piece(index: int | None, call_id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    item: dict[str, Any] = {"function": {"name": name, "arguments": arguments}}
    return item | ({} if index is None else {"index": index}) | ({} if call_id is None else {"id": call_id})


TABLE: dict[str, tuple[list[Any], Calls]] = {
    "the plain protocol": (
        [piece(0, "a", "ls", ""), piece(0, None, None, '{"pa'), piece(0, None, None, 'th": "."}')],
        [("a", "ls", '{"path": "."}')],
    ),
    "two calls one after the other": (
        [
            piece(0, "a", "ls", ""),
            piece(0, None, None, "{}"),
            piece(1, "b", "cat", ""),
            piece(1, None, None, "{}"),
        ],
        [("a", "ls", "{}"), ("b", "cat", "{}")],
    ),
    "two calls in turns": (
        [
            [piece(0, "a", "ls", "{"), piece(1, "b", "cat", "{")],
            [piece(1, None, None, "1"), piece(0, None, None, "0")],
            [piece(0, None, None, "}"), piece(1, None, None, "}")],
        ],
        [("a", "ls", "{0}"), ("b", "cat", "{1}")],
    ),
    "a whole call at once": ([piece(0, "a", "ls", '{"p": 1}')], [("a", "ls", '{"p": 1}')]),
    "whole calls, each with index 0": (
        [piece(0, "a", "ls", '{"p": 1}'), piece(0, "b", "ls", '{"p": 2}')],
        [("a", "ls", '{"p": 1}'), ("b", "ls", '{"p": 2}')],
    ),
    "whole calls, each with index 0 and no id": (
        [piece(0, "", "ls", "{}"), piece(0, "", "cat", "{}")],
        [("made1", "ls", "{}"), ("made2", "cat", "{}")],
    ),
    "calls without arguments, each with index 0": (
        [piece(0, "a", "ls"), piece(0, "b", "pwd")],
        [("a", "ls", ""), ("b", "pwd", "")],
    ),
    "no index, ids": (
        [piece(None, "a", "ls", "{"), piece(None, "a", None, "}"), piece(None, "b", "cat", "{}")],
        [("a", "ls", "{}"), ("b", "cat", "{}")],
    ),
    "no index, no ids": (
        [piece(None, None, "ls", "{"), piece(None, None, None, "}"), piece(None, None, "cat", "{}")],
        [("made1", "ls", "{}"), ("made2", "cat", "{}")],
    ),
    "no index, several in one delta": (
        [[piece(None, None, "ls"), piece(None, None, "ls"), piece(None, "", "pwd", "{}")]],
        [("made1", "ls", ""), ("made2", "ls", ""), ("made3", "pwd", "{}")],
    ),
    "no index, one id for two whole calls": (
        [piece(None, "a", "ls", "{}"), piece(None, "a", "cat", "{}")],
        [("a", "ls", "{}"), ("made1", "cat", "{}")],
    ),
    "a new id with every piece": (
        [piece(0, "a", "ls", "{"), piece(0, "b", None, '"p": 1'), piece(0, "c", None, "}")],
        [("a", "ls", '{"p": 1}')],
    ),
    "a new id with every piece, no index": (
        [piece(None, "a", "ls", "{"), piece(None, "b", None, "}")],
        [("a", "ls", "{}")],
    ),
    "the same id for all": (
        [piece(0, "a", "ls", "{}"), piece(1, "a", "cat", "{}"), piece(2, "a", "cat", "{}")],
        [("a", "ls", "{}"), ("made1", "cat", "{}"), ("made2", "cat", "{}")],
    ),
    "names in pieces": (
        [piece(0, "a", "wri"), piece(0, None, "te_"), piece(0, None, "file", ""), piece(0, None, None, "{}")],
        [("a", "write_file", "{}")],
    ),
    "the name with every piece": (
        [
            piece(0, "a", "ls", ""),
            piece(0, "a", "ls", '{"p":'),
            piece(0, "a", "ls", " {}"),
            piece(0, "a", "ls", "}"),
        ],
        [("a", "ls", '{"p": {}}')],
    ),
    "the id after the name": ([piece(0, "", "ls", "{}"), piece(0, "late")], [("late", "ls", "{}")]),
    "arguments as an object": (
        [piece(0, "a", "ls", {"p": [1, "ü"]})],
        [("a", "ls", '{"p": [1, "\\u00fc"]}')],
    ),
    "arguments that are no object": ([piece(0, "a", "ls", [1])], [("a", "ls", "[1]")]),
    "no arguments": ([piece(0, "a", "ls", None)], [("a", "ls", "")]),
    "flat, without a function": ([{"id": "a", "name": "ls", "arguments": "{}"}], [("a", "ls", "{}")]),
    "nonsense between": (
        [[None, 3, "x"], piece(0, 7, ["ls"], None), piece(0, "a", "ls", "{}"), {"function": 3, "index": 0}],
        [("a", "ls", "{}")],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_it_merges_calls(case: str) -> None:
    pieces, expected = TABLE[case]
    assert calls(*pieces) == expected


def test_it_takes_one_call_that_is_no_list() -> None:
    assert [call.name for call in build({"tool_calls": piece(0, "a", "ls", "{}")}).calls(())] == ["ls"]


def test_it_replaces_ids_that_the_transcript_has() -> None:
    builder = build({"tool_calls": [piece(0, "call_0", "ls", "{}"), piece(1, "call_1", "ls", "{}")]})
    first, second = builder.calls({"call_0"})
    assert first.id not in ("", "call_0", "call_1")
    assert second.id == "call_1"


def test_it_makes_ids_that_every_server_takes_back() -> None:
    made = {generated_id() for _ in range(200)}
    assert len(made) == 200
    assert all(len(name) == 9 and name.isalnum() and name.isascii() for name in made)


def test_it_passes_many_calls_through() -> None:
    builder = build(*({"tool_calls": [piece(n, f"c{n}", "ls", "{}")]} for n in range(100)))
    assert len(builder.calls(())) == 100


@pytest.mark.parametrize("same", [{}, {"index": 0}, {"id": "a"}, {"id": "a", "index": 0}])
@pytest.mark.parametrize("one", [{}, {"name": "ls"}, {"name": "ls", "arguments": "}"}, {"arguments": "}"}])
def test_it_takes_time_in_proportion(same: dict[str, Any], one: dict[str, Any]) -> None:
    def seconds(count: int) -> float:
        numbered = [{key: "a" if key == "id" else 0 for key in same} | one for _ in range(count)]
        unlike = [{"id": f"c{n}", "index": n} | one for n in range(count)]
        gc.collect()
        gc.disable()  # it goes by what lies in the whole process
        try:
            began = time.process_time()
            build({"tool_calls": numbered})
            build({"tool_calls": unlike}, {"tool_calls": unlike})
            return time.process_time() - began
        finally:
            gc.enable()

    seconds(100)
    short = min(seconds(1_000) for _ in range(3))
    long = min(seconds(16_000) for _ in range(2))
    assert long < 16 * short * 5, "16 times the calls; each with each would be 256 times"


@pytest.mark.parametrize("most", [None, 100])
def test_it_looks_at_long_arguments_as_often_as_it_may(most: int | None) -> None:
    builder = ReplyBuilder()
    builder._looks_left = most or builder._looks_left
    for _ in range(100):
        builder.add({"tool_calls": [piece(0, None, "ls", '{"a": {}}')]})
    # Each is whole when the next comes; who has looked too often takes what has the same index for one call.
    assert (len(builder.calls(())) == 100) is (most is None)


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (["Hel", "lo"], "Hello"),
        ([None, "a", None], "a"),
        ([[{"type": "text", "text": "a"}, {"type": "image"}, "b", 3, {"text": None}]], "ab"),
        ([3, {"x": 1}, True], ""),
        (["nul\x00"], "nul\ufffd"),
        (["half \ud83d", "\ude00 joined"], "half 😀 joined"),
        (["alone \ud83d", " here \ude00"], "alone \ufffd here \ufffd"),
        (["\ud83d\ude00"], "😀"),
        (["left at the end \ud83d"], "left at the end "),
    ],
)
def test_it_reads_every_form_of_text(contents: list[Any], text: str) -> None:
    builder = ReplyBuilder()
    assert "".join(builder.add({"content": content}) for content in contents) == text
    assert builder.text == text
    text.encode()


def test_it_takes_a_refusal_as_text() -> None:
    assert build({"content": None, "refusal": "I will not."}).text == "I will not."


@pytest.mark.parametrize("raw", ['{"p": "\ud83d"}', '{"p": "\x00"}'])
def test_it_keeps_unstorable_arguments_as_escapes_that_are_refused(raw: str) -> None:
    [(_, _, arguments)] = calls(piece(0, "a", "ls", raw))
    arguments.encode()
    assert "\x00" not in arguments
    with pytest.raises(canonical.BadJson):
        canonical.parse(arguments)


def test_it_joins_halves_of_a_character_in_arguments() -> None:
    [(_, _, arguments)] = calls(piece(0, "a", "ls", '{"p": "\ud83d'), piece(0, None, None, '\ude00"}'))
    assert json.loads(arguments) == {"p": "😀"}


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x" * 50},
        {"tool_calls": [piece(0, "a", None, "x" * 50)]},
        {"tool_calls": [piece(0, "a", "x" * 50)]},
        {"tool_calls": [piece(None, None, "ls", "{}")]},
    ],
)
def test_it_stops_a_reply_without_an_end(delta: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "MAX_REPLY_CHARACTERS", 1000)
    names = iter("ab" * 100)
    with pytest.raises(ReplyTooLong):
        build(*(json.loads(json.dumps(delta).replace("xxx", next(names) * 3)) for _ in range(100)))


def test_it_knows_whether_anything_came() -> None:
    assert not build({"role": "assistant", "content": ""}, {"tool_calls": []}, {}).started
    assert build({"content": "a"}).started
    assert build({"tool_calls": [piece(0, "a", "ls")]}).started
