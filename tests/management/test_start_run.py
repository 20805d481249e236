"""`start_run`, and following a run at the terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from runtime import access, actions, journal
from runtime.engine import loop
from runtime.engine.lease import Keeper
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.management.follow import follow, printable
from runtime.models import Run


def start(text: str) -> Run:
    return actions.start_run(access.command(), text, agent="direct")


class TestCommand:
    def test_it_prints_the_id(self, db: None) -> None:
        out, err = StringIO(), StringIO()
        call_command("start_run", "list files", "--agent", "direct", stdout=out, stderr=err)
        run = Run.objects.get()
        assert out.getvalue() == f"{run.run_id}\n"
        assert "No worker is running" in err.getvalue()
        assert run.requested_by == access.command().name

    def test_it_continues_a_thread(self, db: None) -> None:
        first = start("list files")
        call_command("start_run", "again", "--thread", first.thread_id, stdout=StringIO(), stderr=StringIO())
        assert first.thread.runs.count() == 2

    def test_it_refuses_mistakes(self, db: None) -> None:
        for arguments in (["x", "--agent", "nobody"], ["x", "--thread", "gone"], [""]):
            with pytest.raises(CommandError):
                call_command("start_run", *arguments)
        assert not Run.objects.exists()

    @pytest.mark.parametrize(
        ("text", "code", "shown"),
        [
            ("what is 2 + 3", 0, "· completed"),
            ("write hello to notes.txt", 2, "· waiting_for_approval"),
        ],
    )
    def test_it_follows_to_the_end(
        self,
        transactional_db: None,
        keeper: Keeper,
        capsys: pytest.CaptureFixture[str],
        text: str,
        code: int,
        shown: str,
    ) -> None:
        worker = threading.Thread(target=_work, args=(keeper,))
        worker.start()
        with pytest.raises(SystemExit) as ended:
            call_command("start_run", text, "--agent", "direct", "--follow", stderr=StringIO())
        worker.join()
        assert ended.value.code == code
        assert capsys.readouterr().out.endswith(f"{shown}\n")

    def test_it_exits_1_when_the_run_was_cancelled(self, transactional_db: None) -> None:
        run = start("list files")
        worker = threading.Thread(target=_cancel_next, args=(run,))
        worker.start()
        with pytest.raises(SystemExit) as ended:
            call_command("start_run", "x", "--thread", run.thread_id, "--follow", stderr=StringIO())
        worker.join()
        assert ended.value.code == 1


def _work(keeper: Keeper) -> None:
    """A worker that waits for one run and takes it as far as it goes."""
    try:
        while not (run_ids := list(Run.objects.values_list("run_id", flat=True))):
            pass
        assert loop.advance(run_ids[0], keeper, slots=10)
    finally:
        connection.close()


def _cancel_next(first: Run) -> None:
    try:
        while (second := Run.objects.exclude(pk=first.pk).first()) is None:
            pass
        actions.cancel_run(access.SYSTEM, second.run_id)
    finally:
        connection.close()


class TestFollow:
    def test_it_writes_text_and_events(self, db: None, advance: Callable[[Run], Run]) -> None:
        run = advance(start("what is 2 + 3"))
        out = StringIO()
        found = follow(run.run_id, out)
        assert found is not None
        assert found.state == "completed"
        assert run.output is not None
        assert out.getvalue().count(run.output) == 1

    def test_it_does_not_let_text_drive_the_terminal(self, db: None) -> None:
        run = start("list files")
        with journal.entry(run.run_id) as entry:
            entry.note(EventType.OUTPUT_DELTA, text="\x1b]0;owned\x07\x1b[2J\u202eok\n", call=1)
            entry.end(RunState.FAILED, "test", error="bad\r\x1b[1A")
        out = StringIO()
        follow(run.run_id, out)
        assert (
            out.getvalue()
            == "<U+001B>]0;owned<U+0007><U+001B>[2J<U+202E>ok\n· bad<U+000D><U+001B>[1A\n· failed\n"
        )
        assert printable("tab\tline\nä 😀") == "tab\tline\nä 😀"

    def test_it_ends_when_the_run_is_gone(self, db: None) -> None:
        out = StringIO()
        assert follow("unknown", out) is None
        assert out.getvalue() == "· the run was deleted\n"
