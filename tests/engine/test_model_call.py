"""Model calls against a real endpoint: what is sent, what is kept, and what happens when it fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from runtime import journal
from runtime.engine import streamed_text
from runtime.models import Approval, Event, Run, RunRequest
from tests import openai_server
from tests.engine.conftest import start
from tests.journal.conftest import verdict
from tests.openai_server import Answer, OpenAIServer

# Real commits: the heartbeat looks at the run from a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)

Advance = Callable[[Run], Run]
WRITE = {"name": "write_file", "arguments": {"path": "a", "content": "x"}, "id": "call_abc"}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    """An endpoint that the default model points to."""
    with openai_server.running() as server:
        monkeypatch.setenv("HARNESS_MODEL_BASE_URL", server.base_url)
        monkeypatch.setenv("HARNESS_MODEL", "test-model")
        yield server


def events(run: Run, kind: str) -> list[dict[str, object]]:
    return [event.body for event in Event.objects.of_run(run.run_id) if event.type == kind]


def test_it_sends_the_users_words_unaltered_and_keeps_usage(model: OpenAIServer, advance: Advance) -> None:
    model.answer(Answer(text="Hello there.", usage=(11, 7)))
    words = "  Grüße\r\n\ttab \u202e done  "
    run = advance(start(words))
    assert (run.state, run.output) == ("completed", "Hello there.")
    assert (run.input_tokens, run.output_tokens) == (11, 7)
    [request] = model.requests
    assert request.body["messages"][-1] == {"role": "user", "content": words}
    assert {tool["function"]["name"] for tool in request.body["tools"]} >= {"ls", "write_file"}
    [completed] = events(run, "model.completed")
    assert completed["usage"] == {"input_tokens": 11, "output_tokens": 7}
    assert isinstance(completed["duration_ms"], int)
    assert completed["model"] == events(run, "model.started")[0]["model"]
    assert completed["reply_model"] == "test-model"


def test_it_shows_the_model_a_rejection_word_for_word(model: OpenAIServer, advance: Advance) -> None:
    model.answer(Answer(text="I write.", tool_calls=[WRITE]), Answer(text="All right."))
    run = advance(start("write"))
    approval = Approval.objects.get(run=run)
    reason = "Nicht hier! 'quoted' <b>& more</b>\nsecond line"
    journal.settle(approval.approval_id, verdict(approval, "reject", reason=reason))
    advance(run)
    told = model.requests[1].body["messages"][-1]
    assert told["role"] == "tool"
    assert told["tool_call_id"] == "call_abc"
    assert reason in told["content"]


def test_it_gives_the_next_run_of_a_thread_what_was_said(model: OpenAIServer, advance: Advance) -> None:
    model.answer(Answer(text="one"), Answer(text="two"))
    first = advance(start("first"))
    advance(start("second", thread_id=first.thread_id))
    said = [(m["role"], m.get("content")) for m in model.requests[1].body["messages"][1:]]
    assert said == [("user", "first"), ("assistant", "one"), ("user", "second")]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529, 408])
def test_it_tries_again_after_a_passing_fault(model: OpenAIServer, advance: Advance, status: int) -> None:
    model.answer(Answer(status=status, text="busy"), Answer(text="Now."))
    run = advance(start("go"))
    assert (run.state, run.output) == ("completed", "Now.")
    retried = events(run, "model.retried")
    assert len(retried) == 1
    assert retried[0]["attempt"] == 1
    assert retried[0]["error"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_it_ends_at_a_refusal_with_a_sentence(model: OpenAIServer, advance: Advance, status: int) -> None:
    model.answer(Answer(status=status, text="no such thing"))
    run = advance(start("go"))
    assert run.state == "failed"
    assert run.error
    assert len(model.requests) == 1
    failed = events(run, "model.failed")[0]
    assert failed["error"]
    assert isinstance(failed["duration_ms"], int)
    assert (failed["status"], failed["fault"]) == (status, run.fault)
    assert run.fault in ("status_error", "key_refused", "not_there")


def test_it_tries_three_times_then_fails(model: OpenAIServer, advance: Advance) -> None:
    model.answer(*[Answer(status=503, text="down")] * 5)
    run = advance(start("go"))
    assert run.state == "failed"
    assert len(model.requests) == 3
    assert "3 attempts" in str(run.error)


def test_it_parks_the_run_when_the_wait_is_long(model: OpenAIServer, advance: Advance) -> None:
    model.answer(Answer(status=429, text="slow down", headers={"Retry-After": "30"}), Answer(text="Now."))
    run = advance(start("go"))
    assert run.state == "queued"
    assert run.next_try_at is not None
    assert 20 < (run.next_try_at - datetime.now(UTC)).total_seconds() <= 31
    assert events(run, "run.queued")[-1]["next_try_at"]
    Run.objects.filter(pk=run.pk).update(next_try_at=None)
    advance(run)
    assert (run.state, run.output) == ("completed", "Now.")
    assert events(run, "model.started")[-1]["attempt"] == 2


@pytest.mark.parametrize(
    "cut",
    [
        Answer(text="half an answer", finish_reason="none"),
        Answer(text="half an answer and more of it", reset="middle"),
        Answer(tool_calls=[WRITE], finish_reason="none"),
    ],
)
def test_it_takes_a_stream_that_was_cut_for_an_error(
    model: OpenAIServer, advance: Advance, cut: Answer
) -> None:
    model.answer(cut)
    run = advance(start("go"))
    assert run.state == "failed"
    assert run.output is None
    assert run.error
    assert not run.tool_calls.exists()
    assert run.messages.filter(role="assistant").count() == 0


def test_it_tries_again_when_the_connection_was_reset_before_anything_came(
    model: OpenAIServer, advance: Advance
) -> None:
    model.answer(Answer(reset="before"), Answer(text="Now."))
    assert advance(start("go")).state == "completed"


def test_it_says_where_nobody_listens(advance: Advance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    run = advance(start("go"))
    assert run.state == "failed"
    assert "127.0.0.1:9" in str(run.error)


def test_it_keeps_every_streamed_piece_in_order(model: OpenAIServer, advance: Advance) -> None:
    text = " ".join(f"word{n}" for n in range(300))
    model.answer(Answer(text=text, pause=0.001))
    run = advance(start("go"))
    pieces = events(run, "output.delta")
    assert "".join(str(piece["text"]) for piece in pieces) == text
    assert len(pieces) < 60, "coalesced, not one event a piece"


def test_a_reply_that_ends_before_its_text_is_due_takes_one_entry(
    model: OpenAIServer, advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_text, "FLUSH_SECONDS", 60.0)
    model.answer(Answer(text="Short and quick.", piece=3))
    run = advance(start("go"))
    (piece,) = events(run, "output.delta")
    (said,) = events(run, "model.completed")
    assert (piece["text"], piece["timestamp"]) == ("Short and quick.", said["timestamp"])


def test_text_that_is_due_is_noted_before_the_reply_ends(
    model: OpenAIServer, advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_text, "FLUSH_SECONDS", 0.0)
    model.answer(Answer(text="Short and quick.", piece=3))
    run = advance(start("go"))
    (said,) = events(run, "model.completed")
    first, *_ = events(run, "output.delta")
    assert str(first["timestamp"]) < str(said["timestamp"])


def test_it_keeps_what_was_said_before_a_quick_cut(
    model: OpenAIServer, advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_text, "FLUSH_SECONDS", 60.0)
    model.answer(Answer(text="Half a sentence", finish_reason="none"))
    run = advance(start("go"))
    assert run.state == "failed"
    assert "".join(str(piece["text"]) for piece in events(run, "output.delta")) == "Half a sentence"


def test_it_survives_an_answer_larger_than_an_event(model: OpenAIServer, advance: Advance) -> None:
    text = "long " * 80_000
    model.answer(Answer(text=text, piece=200_000))
    run = advance(start("go"))
    assert (run.state, run.output) == ("completed", text)
    assert "".join(str(piece["text"]) for piece in events(run, "output.delta")) == text


def test_it_fits_the_whole_request_into_the_window(model: OpenAIServer, advance: Advance) -> None:
    model.answer(*[Answer(text="noted " * 50)] * 15)
    first = advance(start("remember this " * 50))
    run = first
    for _ in range(14):
        run = start("remember this " * 50, thread_id=first.thread_id)
        resolved = dict(RunRequest.objects.get(pk=run.pk).resolved_json)
        resolved["model"] = {**resolved["model"], "context_window": 4_000, "max_output_tokens": 500}
        RunRequest.objects.filter(pk=run.pk).update(resolved_json=resolved)
        advance(run)
    sent = model.requests[-1].body
    characters = sum(len(m["content"]) for m in sent["messages"]) + len(json.dumps(sent["tools"]))
    assert len(sent["messages"]) > 2, "as much of the past as fits"
    assert characters / 4 + 500 < 4_000


def test_it_does_not_take_a_cut_answer_for_a_whole_one(model: OpenAIServer, advance: Advance) -> None:
    model.answer(Answer(text="Once upon a", finish_reason="length", usage=(5, 3)))
    run = advance(start("tell a story"))
    assert (run.state, run.output) == ("failed", "Once upon a")
    assert "cut at its length limit" in str(run.error)
    assert "go on from there" in str(run.error)
    assert run.output_tokens == 3
    assert events(run, "model.failed")[0]["error"] == run.error
    # The thread can go on from what came.
    model.answer(Answer(text=" time."))
    advance(start("go on", thread_id=run.thread_id))
    assert {"role": "assistant", "content": "Once upon a"} in model.requests[1].body["messages"]


def test_it_tells_the_model_which_call_was_cut(model: OpenAIServer, advance: Advance) -> None:
    torso = {"name": "write_file", "arguments": '{"path":"a","content":"xx', "id": "c2"}
    none = {"name": "ls", "arguments": "", "id": "c3"}
    whole = {"name": "ls", "arguments": "{}", "id": "c1"}
    model.answer(
        Answer(tool_calls=[whole, torso], finish_reason="length"),
        Answer(tool_calls=[none], finish_reason="length"),
        Answer(text="Shorter."),
    )
    run = advance(start("write"))
    assert (run.state, run.output) == ("completed", "Shorter.")
    states = run.tool_calls.order_by("turn", "position").values_list("tool_name", "state")
    assert list(states) == [("ls", "completed"), ("write_file", "refused"), ("ls", "refused")]
    told = [m["content"] for m in model.requests[2].body["messages"] if m["role"] == "tool"]
    assert "cut at its length limit" not in told[0]
    assert all("cut at its length limit" in text for text in told[1:])


def test_it_runs_nothing_of_an_answer_that_was_withheld(model: OpenAIServer, advance: Advance) -> None:
    model.answer(
        Answer(text="I", tool_calls=[{"name": "ls", "arguments": {}}], finish_reason="content_filter")
    )
    run = advance(start("go"))
    assert (run.state, run.output) == ("failed", "I")
    assert "withheld" in str(run.error)
    assert not run.tool_calls.exists()


def test_it_fails_when_the_model_says_nothing_at_all(model: OpenAIServer, advance: Advance) -> None:
    model.answer(Answer(text=" \n", finish_reason="stop"))
    run = advance(start("go"))
    assert run.state == "failed"
    assert "without an answer" in str(run.error)


def test_it_completes_work_that_ends_without_a_word(model: OpenAIServer, advance: Advance) -> None:
    model.answer(Answer(tool_calls=[{"name": "ls", "arguments": {}}]), Answer(text="", finish_reason="stop"))
    run = advance(start("look"))
    assert (run.state, run.output) == ("completed", "")
    assert events(run, "run.state.changed")[-1]["reason"] == "the model ended without a closing answer"
