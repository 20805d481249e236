"""Verification finds what was tampered with, and nothing else."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.models import Approval, Run
from runtime.upkeep.verify import verify
from tests.journal.conftest import claim, new_run, verdict, waiting

__all__ = ["waiting"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def finished(waiting: Approval) -> Run:
    """A decided, completed run with streamed text."""
    journal.settle(waiting.approval_id, verdict(waiting, "approve"))
    lease = claim(waiting.run)
    with journal.entry(waiting.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, waiting.tool_call_id), worker="w1")
    waiting.tool_call.refresh_from_db()
    with journal.entry(waiting.run_id, lease) as entry:
        journal.finish(entry, waiting.tool_call, text="done")
        entry.note(EventType.OUTPUT_DELTA, text="bye", call=2)
        entry.end(RunState.COMPLETED, "done", output="bye")
    new_run(thread_id=waiting.thread_id)
    return Run.objects.get(pk=waiting.run_id)


def force(sql: str, *parameters: str) -> None:
    """Changes rows as a stranger with the file or the server would: the guards removed."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        else:
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, parameters)
        assert cursor.rowcount > 0


def test_it_finds_nothing_in_what_the_journal_wrote(finished: Run) -> None:
    report = verify()
    assert report.differences == []
    assert (report.threads, report.runs, report.decisions) == (1, 2, 1)


def test_it_accepts_an_emptied_payload_of_streamed_text(finished: Run) -> None:
    force("UPDATE events SET event_json = '' WHERE type = 'output.delta'")
    assert verify().differences == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET event_json = replace(event_json, 'done', 'gone') WHERE type = 'tool.completed'",
        "UPDATE events SET event_json = '' WHERE type = 'approval.resolved'",
        "UPDATE events SET sequence = 99 WHERE sequence = 4",
        "UPDATE events SET type = 'run.created' WHERE type = 'tool.started'",
        "DELETE FROM events WHERE type = 'approval.requested'",
        "DELETE FROM events WHERE id = (SELECT max(id) FROM events WHERE type = 'run.state.changed')",
        "UPDATE runs SET state = 'failed' WHERE state = 'completed'",
        "UPDATE runs SET last_sequence = last_sequence - 1",
        "UPDATE threads SET status = 'failed'",
        "UPDATE decisions SET decision = 'reject'",
        "DELETE FROM decisions",
        "UPDATE approvals SET status = 'pending'",
        "UPDATE approvals SET status = 'rejected'",
        """UPDATE tool_calls SET arguments_json = '{"path":"/etc/passwd"}'""",
        "UPDATE tool_calls SET arguments_json = '{'",
        "UPDATE counters SET queued = queued + 1 WHERE shard = 0",
        "DELETE FROM counters",
    ],
)
def test_it_finds_what_was_changed(finished: Run, sql: str) -> None:
    force(sql)
    assert verify().differences


def test_it_finds_two_events_that_were_swapped(finished: Run) -> None:
    force("UPDATE events SET sequence = sequence + 1000 WHERE sequence < 5 AND run_id = %s", finished.run_id)
    swapped = "CASE sequence WHEN 1003 THEN 4 WHEN 1004 THEN 3 ELSE sequence - 1000 END"
    force(f"UPDATE events SET sequence = {swapped} WHERE sequence > 1000 AND run_id = %s", finished.run_id)
    assert any("event 3" in difference for difference in verify().differences)


def test_it_finds_an_event_that_was_added(finished: Run) -> None:
    force(
        "INSERT INTO events (thread_id, run_id, sequence, type, event_json, hash, created_at) "
        "SELECT thread_id, run_id, 99, type, event_json, hash, created_at "
        "FROM events WHERE type = 'tool.completed'"
    )
    assert verify().differences


@pytest.mark.django_db(transaction=True)
def test_it_gives_no_false_alarm_beside_a_writer() -> None:
    run = new_run()
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with journal.entry(run.run_id) as entry:
                entry.note(EventType.OUTPUT_DELTA, text="x", call=1)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [difference for _ in range(20) for difference in verify().differences]
    finally:
        stop.set()
        writer.join()
    assert found == []
