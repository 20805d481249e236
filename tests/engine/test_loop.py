"""Whole runs: reply, tool call, approval, result, end."""

from __future__ import annotations

import io
import json
import logging
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from runtime import journal
from runtime.engine import loop
from runtime.engine.context import Context
from runtime.engine.lease import Keeper, Stopping
from runtime.log import JsonFormatter
from runtime.models import Approval, Event, Run, RunRequest, ToolCall
from tests.engine.conftest import call, script, start
from tests.journal.conftest import verdict

# Real commits: the heartbeat looks at the run from a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)

Advance = Callable[[Run], Run]


def kinds(run: Run) -> list[str]:
    """The run's event types, streamed text left out."""
    return [e.type for e in Event.objects.of_run(run.run_id) if e.type != "output.delta"]


def test_it_streams_an_answer_and_completes(advance: Advance) -> None:
    run = advance(start(script({"text": "All is well here."})))
    assert (run.state, run.output, run.turns) == ("completed", "All is well here.", 1)
    pieces = [e.body["text"] for e in Event.objects.of_run(run.run_id) if e.type == "output.delta"]
    assert "".join(pieces) == "All is well here."
    assert kinds(run) == [
        "run.created",
        "run.queued",
        "run.dequeued",
        "model.started",
        "model.completed",
        "run.state.changed",
    ]


def test_the_log_names_the_run_that_broke(advance: Advance) -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    logging.getLogger("runtime").addHandler(handler)
    try:
        run = start("x")
        RunRequest.objects.filter(pk=run.run_id).update(resolved_json={})
        assert advance(run).state == "failed"
    finally:
        logging.getLogger("runtime").removeHandler(handler)
    [line] = lines.getvalue().splitlines()
    found = json.loads(line)
    assert (found["run"], found["level"]) == (run.run_id, "ERROR")
    assert "KeyError" in found["traceback"]


def test_it_keeps_what_agents_write_from_other_users_of_the_machine(advance: Advance) -> None:
    run = start(script({"tool_calls": [call("save_artifact", path="a", content="b")]}, {"text": "x"}))
    thread = run.thread.folder
    shutil.rmtree(thread.parent, ignore_errors=True)  # other tests made it in their own way
    advance(run)
    kept = f"runs/{run.run_id}"
    parts = ("..", ".", "files", "runs", kept, f"{kept}/artifacts")
    modes = [stat.S_IMODE((thread / part).stat().st_mode) for part in parts]
    # The sandbox's uid must pass through to the files, and may list nothing on its way.
    assert modes == [0o711, 0o711, 0o700, 0o700, 0o700, 0o700]


def test_it_asks_before_it_writes_and_goes_on_after_the_yes(advance: Advance) -> None:
    run = start(
        script({"tool_calls": [call("write_file", path="a/b.txt", content="hi\r\n")]}, {"text": "Done."})
    )
    advance(run)
    assert run.state == "waiting_for_approval"
    approval = Approval.objects.get(run=run)
    assert approval.input_preview_json == {"path": "a/b.txt", "content": "hi\r\n"}
    file = run.thread.folder / "files" / "a" / "b.txt"
    assert not file.exists()
    journal.settle(approval.approval_id, verdict(approval, "approve"))
    advance(run)
    assert (run.state, run.output) == ("completed", "Done.")
    assert file.read_bytes() == b"hi\r\n"
    assert kinds(run)[5:] == [
        "approval.requested",
        "run.state.changed",
        "approval.resolved",
        "run.queued",
        "run.dequeued",
        "tool.started",
        "tool.completed",
        "model.started",
        "model.completed",
        "run.state.changed",
    ]


def test_it_tells_the_model_the_reason_of_a_rejection(advance: Advance) -> None:
    run = start(script({"tool_calls": [call("write_file", path="a", content="x")]}, {"text": "I see."}))
    advance(run)
    approval = Approval.objects.get(run=run)
    journal.settle(approval.approval_id, verdict(approval, "reject", reason="wrong folder"))
    advance(run)
    assert run.state == "completed"
    assert not (run.thread.folder / "files" / "a").exists()
    told = run.messages.get(role="tool")
    assert "wrong folder" in told.text
    assert "tool.started" not in kinds(run)


def test_it_runs_the_reviewers_edit_and_shows_it_to_the_model(advance: Advance) -> None:
    import threading

    from runtime.engine.context import Context
    from runtime.engine.transcript import build

    run = start(script({"tool_calls": [call("write_file", path="a", content="x")]}, {"text": "ok"}))
    advance(run)
    approval = Approval.objects.get(run=run)
    journal.settle(approval.approval_id, verdict(approval, "edit", arguments={"path": "b", "content": "y"}))
    context = Context(run.run_id, threading.Event())
    advance(run)
    assert (run.thread.folder / "files" / "b").read_text() == "y"
    seen = build(context.rows())
    assert seen[1].tool_calls[0].arguments == '{"content":"y","path":"b"}'


def test_it_lets_a_reviewers_answer_stand_in_for_the_result(advance: Advance) -> None:
    run = start(script({"tool_calls": [call("write_file", path="a", content="x")]}, {"text": "ok"}))
    advance(run)
    approval = Approval.objects.get(run=run)
    journal.settle(approval.approval_id, verdict(approval, "respond", content="I did it by hand."))
    advance(run)
    assert run.state == "completed"
    assert run.messages.get(role="tool").text == "I did it by hand."
    assert "tool.started" not in kinds(run)


def test_it_gates_a_whole_reply_before_anything_of_it_runs(advance: Advance) -> None:
    run = start(
        script(
            {
                "tool_calls": [
                    call("ls"),
                    call("write_file", path="a", content="1"),
                    call("write_todos", todos=[]),
                ]
            },
            {"text": "ok"},
        )
    )
    advance(run)
    assert run.state == "waiting_for_approval"
    assert "tool.started" not in kinds(run)
    approval = Approval.objects.get(run=run)
    journal.settle(approval.approval_id, verdict(approval, "approve"))
    advance(run)
    assert run.state == "completed"
    started = [e.body["tool_name"] for e in Event.objects.of_run(run.run_id) if e.type == "tool.started"]
    assert started[:2] == ["ls", "write_file"], "in the order of the reply"


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("no_such_tool", "{}", "no tool"),
        ("write_file", '{"path": "a", "content": ', "JSON"),
        ("write_file", '{"path": "a", "path": "b", "content": "x"}', "twice"),
        ("write_file", '["a"]', "object"),
        ("write_file", '{"path": 7, "content": "x"}', "path"),
        ("write_file", '{"path": "a", "content": "x", "mode": "root"}', "mode"),
        ("write_file", '{"path": "a", "content": NaN}', "NaN"),
    ],
)
def test_it_answers_a_malformed_call_and_never_runs_it(
    advance: Advance, name: str, arguments: str, word: str
) -> None:
    run = advance(start(script({"tool_calls": [{"name": name, "arguments": arguments}]}, {"text": "Sorry."})))
    assert run.state == "completed"
    assert not Approval.objects.exists()
    assert "tool.started" not in kinds(run)
    assert word in run.messages.get(role="tool").text
    assert ToolCall.objects.get(run=run).state == "refused"


def test_it_stops_at_the_turn_limit_and_says_where_it_is_set(advance: Advance) -> None:
    run = start(script(*[{"tool_calls": [call("ls")]}] * 60))
    advance(run)
    assert run.state == "failed"
    assert "50" in str(run.error)
    assert "model_turns" in str(run.error)


def test_it_refuses_a_reply_with_too_many_calls(advance: Advance) -> None:
    run = advance(start(script({"tool_calls": [call("ls")] * 65})))
    assert run.state == "failed"
    assert "65" in str(run.error)
    assert not ToolCall.objects.exists()


def test_it_gives_a_later_run_of_the_thread_the_whole_transcript(advance: Advance) -> None:
    first = start(script({"tool_calls": [call("write_file", path="a", content="x")]}))
    advance(first)
    second = start(script({"text": "second"}), thread_id=first.thread_id)
    journal.cancel(first.run_id, requested_by="olga", source="page", reason="")
    advance(second)
    assert (second.state, second.output) == ("completed", "second")


def test_it_keeps_an_artifact_with_its_size_and_hash(advance: Advance) -> None:
    run = advance(
        start(script({"tool_calls": [call("save_artifact", path="r.md", content="# R")]}, {"text": "ok"}))
    )
    artifact = run.artifacts.get()
    assert (artifact.path, artifact.size) == ("r.md", 3)
    assert artifact.stored.read_text() == "# R"
    assert "artifact.created" in kinds(run)


def test_it_waits_while_the_workspace_is_broken(advance: Advance, settings: Settings, tmp_path: Path) -> None:
    from runtime import catalogue

    run = start(script({"text": "fine"}))
    (tmp_path / "models.yaml").write_text("kind: Nonsense\n")
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    advance(run)
    assert (run.state, run.attempts) == ("queued", 0)
    assert run.next_try_at is not None
    settings.WORKSPACE_DIR = None
    catalogue.forget()
    Run.objects.update(next_try_at=None)
    assert advance(run).state == "completed"


def test_it_runs_a_search_again_that_the_end_of_its_worker_cut_short(keeper: Keeper) -> None:
    run = start(script({"tool_calls": [call("glob", pattern="*")]}, {"text": "none"}))
    context = Context(run.run_id, keeper.stopping)
    with journal.claiming(run.run_id, "test-worker", slots=1, lease_seconds=30.0) as entry:
        assert entry is not None
        asks = loop.begin(context, entry)
    with keeper.hold(entry.lease) as context.held:
        assert asks is not None
        asks.run()
        with context.entry() as entry:
            asks.record(entry)
            searches = loop.begin(context, entry)
        assert searches is not None
        keeper.stop()
        with pytest.raises(Stopping):
            searches.run()
    journal.hand_back(context.held.lease, "the worker is stopping")
    other = Keeper("another", 30.0)
    assert loop.advance(run.run_id, other, slots=1)
    other.stop()
    run.refresh_from_db()
    assert (run.state, run.output) == ("completed", "none")
    found = ToolCall.objects.get()
    assert (found.attempt, found.result) == (2, "No file matches.")
