"""Reference databases, written by SQL from the description of their tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE runtime_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE threads (thread_id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, entry_agent_id TEXT NOT NULL,
  status TEXT NOT NULL, latest_run_id TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE runs (run_id TEXT PRIMARY KEY, thread_id TEXT NOT NULL, agent_id TEXT NOT NULL,
  execution_mode TEXT NOT NULL, adapter_kind TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  state TEXT NOT NULL, previous_state TEXT, state_entered_at TEXT NOT NULL, last_transition_at TEXT NOT NULL,
  resumable INTEGER NOT NULL, checkpoint_ref TEXT);
CREATE TABLE thread_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, thread_id TEXT NOT NULL,
  role TEXT NOT NULL, content_json TEXT NOT NULL, run_id TEXT, created_at TEXT NOT NULL);
CREATE TABLE events (thread_id TEXT NOT NULL, run_id TEXT NOT NULL, sequence INTEGER NOT NULL,
  event_json TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE approvals (approval_id TEXT PRIMARY KEY, pending_action_id TEXT NOT NULL,
  thread_id TEXT NOT NULL, run_id TEXT NOT NULL, tool_call_id TEXT NOT NULL, tool_name TEXT NOT NULL,
  status TEXT NOT NULL, requested_at TEXT NOT NULL, resolved_at TEXT, allowed_decisions_json TEXT NOT NULL,
  input_preview_json TEXT NOT NULL, checkpoint_ref TEXT NOT NULL, event_refs_json TEXT NOT NULL);
CREATE TABLE run_requests (run_id TEXT PRIMARY KEY, thread_id TEXT NOT NULL, request_json TEXT NOT NULL,
  saved_at TEXT NOT NULL);
CREATE TABLE recovery_intents (run_id TEXT PRIMARY KEY, thread_id TEXT NOT NULL, intent_json TEXT NOT NULL,
  saved_at TEXT NOT NULL);
CREATE TABLE artifacts (artifact_id TEXT PRIMARY KEY, thread_id TEXT NOT NULL, run_id TEXT NOT NULL,
  kind TEXT NOT NULL, path TEXT NOT NULL, created_at TEXT NOT NULL);
"""
WHEN = "2025-03-01T10:{:02d}:00.000Z"
ARGUMENTS = {"path": "notes.txt", "content": "hello"}


class Reference:
    """One database; rows are added by table and column."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as connection:
            connection.executescript(SCHEMA)
        self.add("runtime_metadata", key="schema_family", value="agent-harness-runtime")
        self.add("runtime_metadata", key="schema_version", value="1")

    def add(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        self.do(f"INSERT INTO {table} ({names}) VALUES ({marks})", *values.values())

    def do(self, sql: str, *values: Any) -> None:
        with self._open() as connection:
            connection.execute(sql, values)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            yield connection

    def thread(self, thread_id: str, **values: Any) -> None:
        given = {
            "workspace_id": "default",
            "entry_agent_id": "direct",
            "status": "completed",
            "latest_run_id": "r1",
            "created_at": WHEN.format(0),
            "updated_at": WHEN.format(9),
        }
        self.add("threads", thread_id=thread_id, **{**given, **values})

    def run(
        self, run_id: str, thread_id: str, state: str = "completed", minute: int = 1, **values: Any
    ) -> None:
        """With its request, a message of the user and three events."""
        at = WHEN.format(minute)
        given = {
            "agent_id": "direct",
            "execution_mode": "plan",
            "adapter_kind": "",
            "created_at": at,
            "updated_at": WHEN.format(minute + 1),
            "state": state,
            "previous_state": "running",
            "state_entered_at": at,
            "last_transition_at": at,
            "resumable": int(state == "waiting_for_approval"),
            "checkpoint_ref": f"engine/{run_id}",
        }
        self.add("runs", run_id=run_id, thread_id=thread_id, **{**given, **values})
        asked = {"input": f"do {run_id}", "invocation": {"context": {"a": 1}}, "savedAt": at}
        self.add(
            "run_requests", run_id=run_id, thread_id=thread_id, request_json=json.dumps(asked), saved_at=at
        )
        self.message(thread_id, run_id, "user", f"do {run_id}", minute)
        for sequence, kind in enumerate(("run.created", "run.state.changed", "run.state.changed"), 1):
            self.event(thread_id, run_id, sequence, kind, minute)

    def message(self, thread_id: str, run_id: str | None, role: str, content: Any, minute: int = 1) -> None:
        text = json.dumps(content)
        at = WHEN.format(minute)
        self.add(
            "thread_messages", thread_id=thread_id, role=role, content_json=text, run_id=run_id, created_at=at
        )

    def event(self, thread_id: str, run_id: str, sequence: int, kind: str, minute: int = 1) -> str:
        at = WHEN.format(minute)
        body = {
            "type": kind,
            "threadId": thread_id,
            "runId": run_id,
            "sequence": sequence,
            "timestamp": at,
            "payload": {"fromState": "queued", "toState": "running"},
        }
        text = json.dumps(body, indent=1)
        self.add(
            "events", thread_id=thread_id, run_id=run_id, sequence=sequence, event_json=text, created_at=at
        )
        return text

    def approval(
        self, approval_id: str, thread_id: str, run_id: str, status: str = "pending", **values: Any
    ) -> None:
        given = {
            "pending_action_id": f"pa-{approval_id}",
            "tool_call_id": f"call-{approval_id}",
            "tool_name": "write_file",
            "requested_at": WHEN.format(3),
            "resolved_at": None if status == "pending" else WHEN.format(4),
            "allowed_decisions_json": '["approve","edit","reject"]',
            "input_preview_json": json.dumps(ARGUMENTS),
            "checkpoint_ref": f"engine/{run_id}",
            "event_refs_json": "[3]",
        }
        known = {"approval_id": approval_id, "thread_id": thread_id, "run_id": run_id, "status": status}
        self.add("approvals", **known, **{**given, **values})

    def intent(self, thread_id: str, run_id: str) -> None:
        body = {"kind": "approval-decision", "checkpointRef": "x", "resumePayload": {}, "attempts": 2}
        at = WHEN.format(4)
        self.add(
            "recovery_intents", run_id=run_id, thread_id=thread_id, intent_json=json.dumps(body), saved_at=at
        )

    def artifact(
        self, artifact_id: str, thread_id: str, run_id: str, path: str, content: str | None = None
    ) -> Path:
        """The row, and below the run's directory the file."""
        file = self.path.parent / "threads" / thread_id / "runs" / run_id / path
        if content is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.add(
            "artifacts",
            artifact_id=artifact_id,
            thread_id=thread_id,
            run_id=run_id,
            kind="report",
            path=path,
            created_at=WHEN.format(5),
        )
        return file


def full(folder: Path) -> Reference:
    """A thread that is done and one that waits for a person."""
    made = Reference(folder / "runtime.sqlite")
    made.thread("t1", latest_run_id="r2")
    made.run("r1", "t1")
    made.message(
        "t1", "r1", "assistant", [{"type": "text", "text": "It is"}, {"type": "text", "text": "done."}], 2
    )
    made.run("r2", "t1", "failed", 5)
    made.approval("a1", "t1", "r1", "approved")
    made.intent("t1", "r1")
    made.artifact("f1", "t1", "r1", "artifacts/report.json", '{"ok": true}')
    made.thread("t2", status="waiting_for_approval", latest_run_id="r3")
    made.run("r3", "t2", "waiting_for_approval")
    made.message("t2", "r3", "assistant", "I want to write.", 2)
    made.approval("a2", "t2", "r3")
    return made
