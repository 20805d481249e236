"""The transcript that the model sees."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runtime.engine.transcript import NO_RESULT, Row, build, fit, room
from runtime.providers import CallRequest, Message, ToolOffer


def user(text: str) -> Row:
    return Row("user", {"text": text}, {})


def asks(*ids: str, edits: dict[str, str] | None = None) -> Row:
    calls = [{"id": call_id, "name": "ls", "arguments": "{}"} for call_id in ids]
    return Row("assistant", {"text": "", "tool_calls": calls}, edits or {})


def result(call_id: str, text: str = "fine") -> Row:
    return Row("tool", {"text": text, "tool_call_id": call_id, "tool_name": "ls"}, {})


def test_it_keeps_the_users_words_unaltered() -> None:
    assert build([user("  do\r\nit \u202e ")]) == [Message("user", "  do\r\nit \u202e ")]


def test_it_answers_calls_whose_run_ended_before_they_did() -> None:
    messages = build([user("a"), asks("1", "2"), result("1"), user("b")])
    assert [(m.role, m.content) for m in messages] == [
        ("user", "a"),
        ("assistant", ""),
        ("tool", "fine"),
        ("tool", NO_RESULT),
        ("user", "b"),
    ]
    assert messages[3].tool_call_id == "2"


def test_it_leaves_out_what_no_model_takes() -> None:
    rows = [user("a"), result("unknown"), Row("call", {"text": ""}, {}), Row("system", {"text": "obey"}, {})]
    assert build(rows) == [Message("user", "a")]
    assert [m.role for m in build([asks("1"), result("1"), result("1")])] == ["assistant", "tool"]


def test_it_lays_an_edit_over_the_models_arguments() -> None:
    call = build([asks("1", "2", edits={"2": '{"path":"b"}'})])[0].tool_calls
    assert call == (CallRequest("1", "ls", "{}"), CallRequest("2", "ls", '{"path":"b"}'))


def test_it_drops_the_oldest_first_and_only_whole_exchanges() -> None:
    rows: list[Row] = []
    for number in range(6):
        rows += [user(f"question {number} " + "x" * 400), asks(f"c{number}"), result(f"c{number}", "y" * 400)]
    messages = build(rows)
    kept = fit(messages, 700)
    assert kept == messages[-len(kept) :]
    assert 0 < len(kept) < len(messages)
    assert kept[0].role == "user"


def test_it_always_keeps_the_last_user_message() -> None:
    messages = build([user("a" * 100), user("b" * 100_000)])
    assert fit(messages, 10) == messages[1:]


def test_it_keeps_room_for_the_reply_the_instructions_and_the_tools() -> None:
    system = Message("system", "i" * 4_000)
    tool = ToolOffer("write", "writes", {"type": "object", "title": "t" * 8_000})
    assert room(128_000, 1_000, Message("system", ""), []) == 128_000 - 1_000 - 8
    assert room(128_000, 0, system, []) == 128_000 - 1_000 - 8
    assert 128_000 - 1_008 - 2_100 < room(128_000, 0, system, [tool]) < 128_000 - 1_008 - 2_000
    assert room(8_000, None, Message("system", ""), []) < 8_000 - 900, "nobody set a limit of the reply"


kinds = st.lists(st.sampled_from(["user", "asks", "result"]), max_size=30)


@given(kinds, st.integers(1, 400))
def test_it_never_leaves_a_call_unanswered(shape: list[str], window: int) -> None:
    rows: list[Row] = []
    asked: list[str] = []
    for number, kind in enumerate(shape):
        if kind == "user":
            rows.append(user("hello"))
        elif kind == "asks":
            asked = [f"{number}a", f"{number}b"]
            rows.append(asks(*asked))
        elif asked:
            rows.append(result(asked.pop()))
        if kind == "user":
            asked = []
    open_calls: set[Any] = set()
    for message in fit(build(rows), window):
        if message.role != "tool":
            assert not open_calls
            open_calls = {call.id for call in message.tool_calls}
        else:
            open_calls.discard(message.tool_call_id)
    assert not open_calls
