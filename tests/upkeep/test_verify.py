"""Verification finds what was tampered with, and nothing else."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from runtime import canonical, journal
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.models import Approval, Run
from runtime.upkeep.verify import verify
from tests.journal.conftest import claim, new_run, reply, verdict, waiting

__all__ = ["waiting"]

pytestmark = pytest.mark.django_db

OTHER = '{"path":"/etc/passwd"}'
OTHER_DIGEST = canonical.call_digest("write_file", "1", {"path": "/etc/passwd"})
#: A decision like the one there is, about something else.
ADDED = (
    "INSERT INTO decisions (approval_id, thread_id, run_id, tool_call_id, tool_name, decision, decided_by, "
    "decided_at, source, address, reason, digest) SELECT {}, tool_call_id, tool_name, decision, "
    "decided_by, decided_at, source, address, reason, digest FROM decisions"
)


@pytest.fixture
def finished(waiting: Approval) -> Run:
    """A decided, completed run with streamed text."""
    journal.settle(waiting.approval_id, verdict(waiting, "approve"))
    lease = claim(waiting.run)
    with journal.entry(waiting.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, waiting.tool_call_id), worker="w1")
    waiting.tool_call.refresh_from_db()
    with journal.entry(waiting.run_id, lease) as entry:
        kept = {"stored_name": "1", "size": 3, "sha256": "0" * 64, "kind": "file"}
        journal.keep_artifact(entry, waiting.tool_call, path="a", **kept)  # type: ignore[arg-type]
        journal.finish(entry, waiting.tool_call, text="done")
        entry.note(EventType.MODEL_STARTED, call=2)
        entry.note(EventType.OUTPUT_DELTA, text="bye", call=2)
        reply(entry, "bye")
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
        for statement in sql.split(";"):
            cursor.execute(statement, parameters)
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


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE tool_calls SET arguments_json = '{OTHER}', digest = '{OTHER_DIGEST}'",
        f"UPDATE approvals SET digest = '{OTHER_DIGEST}', input_preview_json = '{OTHER}'",
        f"UPDATE approvals SET input_preview_json = '{OTHER}'",
        """UPDATE thread_messages SET content_json = '{"text": "write b to a"}' WHERE role = 'user'""",
        """UPDATE thread_messages SET content_json = '{"text": ""}' WHERE role = 'assistant'""",
        """UPDATE thread_messages SET content_json = '{"text": "gone"}' WHERE role = 'tool'""",
        "UPDATE thread_messages SET role = 'system' WHERE role = 'user'",
        "UPDATE thread_messages SET created_at = '2020-01-01 00:00:00' WHERE role = 'tool'",
        "UPDATE thread_messages SET id = id + 100 WHERE role = 'user'",
        "UPDATE thread_messages SET run_id = NULL WHERE role = 'tool'",
        "DELETE FROM thread_messages WHERE role = 'user'",
        "DELETE FROM thread_messages WHERE role = 'tool'",
        "INSERT INTO thread_messages (thread_id, role, content_json, run_id, created_at) "
        "SELECT thread_id, role, content_json, run_id, created_at FROM thread_messages WHERE role = 'tool'",
        ADDED.format("'none', thread_id, run_id"),
        ADDED.format("approval_id, thread_id, run_id"),
        ADDED.format("'none', 'none', 'none'"),
        "UPDATE decisions SET decided_by = 'mallory'",
        "UPDATE decisions SET decided_at = '2020-01-01 00:00:00'",
        "UPDATE decisions SET reason = 'it is fine'",
        "UPDATE decisions SET source = 'page'",
        "UPDATE decisions SET spent_at = NULL",
        f"UPDATE decisions SET digest = '{OTHER_DIGEST}'",
        f"UPDATE decisions SET arguments_before = '{OTHER}'",
        f"UPDATE decisions SET arguments_after = '{OTHER}'",
        "UPDATE decisions SET decision = 'reject'; UPDATE approvals SET status = 'rejected'",
        "DELETE FROM recovery_intents; DELETE FROM approvals",
        "DELETE FROM recovery_intents; DELETE FROM decisions; DELETE FROM approvals",
        "DELETE FROM recovery_intents; DELETE FROM approvals; DELETE FROM tool_calls",
        "DELETE FROM recovery_intents; DELETE FROM decisions; DELETE FROM approvals; DELETE FROM tool_calls",
        "UPDATE approvals SET rule = 'allow all'",
        "UPDATE approvals SET resolved_at = NULL",
        "UPDATE tool_calls SET state = 'failed'",
        "UPDATE tool_calls SET result = 'gone'",
        "UPDATE tool_calls SET error = 'it broke'",
        "UPDATE tool_calls SET attempt = 2",
        "UPDATE tool_calls SET tool_name = 'read_file'",
        "UPDATE tool_calls SET raw_arguments = 'x'",
        "UPDATE tool_calls SET position = 1",
        "UPDATE tool_calls SET arguments_json = NULL",
        "UPDATE runs SET output = 'hello' WHERE output = 'bye'",
        "UPDATE runs SET output = NULL WHERE output = 'bye'",
        "UPDATE runs SET error = 'it broke' WHERE output = 'bye'",
        "UPDATE runs SET turns = turns + 1",
        "UPDATE runs SET input_tokens = 99",
        "UPDATE runs SET agent_id = 'other'",
        "UPDATE runs SET requested_by = 'mallory'",
        "UPDATE runs SET state_reason = 'because'",
        "UPDATE runs SET checkpoint_ref = 'x'",
        "UPDATE runs SET imported_at = created_at",
        "UPDATE run_requests SET requested_by = 'mallory'",
        """UPDATE run_requests SET request_json = '{"input": "write b to a"}'""",
        "DELETE FROM run_requests",
        "DELETE FROM checkpoints",
        "UPDATE checkpoints SET message_id = 1000",
        """UPDATE run_requests SET resolved_json = '{"rules":[]}'""",
        "UPDATE runs SET retried_from_id = (SELECT max(run_id) FROM runs) WHERE output = 'bye'",
        """UPDATE approvals SET allowed_decisions_json = '["approve"]'""",
        "UPDATE artifacts SET stored_name = '2'",
        "UPDATE artifacts SET sha256 = 'f'",
        "DELETE FROM artifacts; UPDATE events SET event_json = '', type = 'output.delta' "
        "WHERE type = 'artifact.created'",
        "DELETE FROM artifacts",
        "UPDATE threads SET run_count = 1",
        "DELETE FROM events WHERE type = 'output.delta'",
    ],
)
def test_it_finds_what_differs_from_the_events(finished: Run, sql: str) -> None:
    force(sql)
    assert verify().differences


def test_decisions_outlive_their_thread_and_say_nothing_of_arguments(finished: Run) -> None:
    journal.cancel(Run.objects.get(state="queued").pk, requested_by="olga", source="page", reason="")
    journal.delete_thread(finished.thread_id, deleted_by="olga", source="page")
    assert verify().differences == []
    force(f"UPDATE decisions SET arguments_after = '{OTHER}'")
    assert verify().differences


def test_it_goes_through_many_runs_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.upkeep.verify.BATCH", 2)
    runs = [new_run() for _ in range(5)]
    new_run(thread_id=runs[0].thread_id)
    report = verify()
    assert (report.threads, report.runs, report.events, report.differences) == (5, 6, 12, [])
    force("UPDATE runs SET requested_by = 'mallory' WHERE run_id = %s", runs[3].run_id)
    assert len(verify().differences) == 2  # its request as well


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
