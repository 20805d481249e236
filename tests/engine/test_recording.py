"""What a tool or a model did is written down once, also when that has to be tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from runtime.engine import loop
from runtime.engine.tool_calls import ToolRun
from runtime.journal import entering
from runtime.journal.entry import Entry
from runtime.models import Run, ThreadMessage, ToolCall
from runtime.upkeep.verify import verify
from tests.engine.conftest import call, script, start

pytestmark = pytest.mark.django_db(transaction=True)
Advance = Callable[[Run], Run]


def recorded(run: Run) -> None:
    """The call, its message and its events are there once."""
    assert [each.state for each in ToolCall.objects.filter(run=run)] == ["completed"]
    assert ThreadMessage.objects.filter(run=run, role="tool").count() == 1
    assert (run.state, run.output) == ("completed", "x")
    assert verify().differences == []


def test_an_outcome_whose_commit_fails_is_written_once(
    advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "RECORD_PATIENCE", (0.01, 0.01))
    record, flush, tries = ToolRun.record, Entry.flush, []

    def noted(self: ToolRun, entry: Any) -> None:
        record(self, entry)
        tries.append(entry)

    def fail_once(self: Entry) -> None:
        flush(self)
        if tries and self is tries[0]:
            raise OperationalError("disk I/O error")

    monkeypatch.setattr(ToolRun, "record", noted)
    monkeypatch.setattr(Entry, "flush", fail_once)
    run = start(script({"tool_calls": [call("ls")]}, {"text": "x"}))
    recorded(advance(run))
    assert len(tries) == 2


def test_an_outcome_that_had_to_wait_has_the_time_of_its_commit(
    advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever counts what happened until a moment must not have it come later."""
    monkeypatch.setattr(entering, "LATE_SECONDS", 0.2)
    record, tries = ToolRun.record, []

    def slow(self: ToolRun, entry: Any) -> None:
        record(self, entry)
        tries.append(datetime.now(UTC))
        if len(tries) == 1:
            time.sleep(0.3)  # as if others wrote for so long

    monkeypatch.setattr(ToolRun, "record", slow)
    run = start(script({"tool_calls": [call("ls")]}, {"text": "x"}))
    recorded(advance(run))
    assert len(tries) == 2
    finished = ToolCall.objects.get(run=run).finished_at
    assert finished is not None
    assert finished > tries[0] + timedelta(seconds=0.25)


@pytest.mark.parametrize(
    ("role", "state"), [("assistant", "failed"), ("tool", "in_doubt")], ids=["reply", "result"]
)
def test_an_outcome_that_the_database_refuses_leaves_no_run_at_work(
    advance: Advance, role: str, state: str
) -> None:
    """It would refuse the same again: the model must not be called five times over for it."""
    make, drop = (
        f"CREATE TRIGGER no_such BEFORE INSERT ON thread_messages WHEN NEW.role = '{role}' "
        "BEGIN SELECT RAISE(ABORT, 'not here'); END",
        "DROP TRIGGER no_such",
    )
    if connection.vendor == "postgresql":
        make = f"ALTER TABLE thread_messages ADD CONSTRAINT no_such CHECK (role <> '{role}')"
        drop = "ALTER TABLE thread_messages DROP CONSTRAINT no_such"
    run = start(script({"tool_calls": [call("ls")]}, {"text": "x"}))
    with connection.cursor() as cursor:
        cursor.execute(make)
    try:
        run = advance(run)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(drop)
    assert run.state == state
    if state == "failed":
        assert "internal error" in (run.error or "")
