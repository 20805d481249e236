"""Bringing a reference database along."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest

from runtime.models import (
    Approval,
    Artifact,
    Event,
    RecoveryIntent,
    Run,
    RunRequest,
    Thread,
    ThreadMessage,
    ToolCall,
)
from runtime.upkeep.imports import import_reference
from runtime.upkeep.verify import verify
from tests.upkeep.imports.reference import ARGUMENTS, Reference

pytestmark = pytest.mark.django_db

KINDS = [Approval, Artifact, Event, RecoveryIntent, Run, RunRequest, Thread, ThreadMessage, ToolCall]


def everything() -> dict[str, list[object]]:
    """Every row of every table that an import writes."""
    return {kind.__name__: list(kind._default_manager.order_by("pk").values()) for kind in KINDS}


def test_it_brings_everything_as_it_was(reference: Reference) -> None:
    report = import_reference(reference.path)
    assert report.skipped == {}
    assert dict(report.imported) == {
        "threads": 2,
        "runs": 3,
        "run_requests": 3,
        "thread_messages": 5,
        "events": 9,
        "approvals": 2,
        "recovery_intents": 1,
        "artifacts": 1,
    }
    run = Run.objects.get(pk="r1")
    assert (run.thread_id, run.state, run.previous_state) == ("t1", "completed", "running")
    assert (run.adapter_kind, run.checkpoint_ref, run.resumable) == ("", "engine/r1", False)
    assert run.created_at == datetime(2025, 3, 1, 10, 1, tzinfo=UTC)
    assert run.updated_at == datetime(2025, 3, 1, 10, 2, tzinfo=UTC)
    assert run.imported_at is not None
    assert (run.title, run.output) == ("do r1", "It is\ndone.")
    request = RunRequest.objects.get(pk="r1").request_json
    assert request["invocation"] == {"context": {"a": 1}}
    assert request["savedAt"] == "2025-03-01T10:01:00.000Z"
    thread = Thread.objects.get(pk="t1")
    assert (thread.latest_run_id, thread.status, thread.run_count) == ("r2", "failed", 2)
    assert thread.updated_at == datetime(2025, 3, 1, 10, 9, tzinfo=UTC)
    assert RecoveryIntent.objects.get().intent_json["attempts"] == 2
    assert (
        ThreadMessage.objects.get(role="assistant", run_id="r3").content_json["content"] == "I want to write."
    )


def test_it_keeps_events_to_the_letter(reference: Reference) -> None:
    text = reference.event("t1", "r1", 4, "artifact.savedByEngine")
    import_reference(reference.path)
    event = Event.objects.get(run_id="r1", sequence=4)
    assert event.event_json == text
    assert event.type == "artifact.savedByEngine"
    assert event.created_at == datetime(2025, 3, 1, 10, 1, tzinfo=UTC)


def test_it_copies_artifacts_with_size_and_hash(reference: Reference) -> None:
    import_reference(reference.path)
    artifact = Artifact.objects.get()
    assert (artifact.artifact_id, artifact.path, artifact.kind) == ("f1", "artifacts/report.json", "report")
    with artifact.open() as file:
        content = file.read()
    assert json.loads(content) == {"ok": True}
    assert (artifact.size, artifact.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_it_asks_for_what_waits_without_any_deadline(reference: Reference) -> None:
    import_reference(reference.path)
    approval = Approval.objects.get(pk="a2")
    assert (approval.status, approval.expires_at, approval.run.state) == (
        "pending",
        None,
        "waiting_for_approval",
    )
    assert approval.input_preview_json == approval.tool_call.arguments == ARGUMENTS
    assert approval.allowed_decisions_json == ["approve", "edit", "reject"]
    assert (approval.tool_call_id, approval.tool_call.state) == ("call-a2", "waiting")
    assert Approval.objects.get(pk="a1").status == "approved"


def test_two_imports_are_one(reference: Reference) -> None:
    import_reference(reference.path)
    before = everything()
    again = import_reference(reference.path)
    assert everything() == before
    assert not +again.imported
    assert not +again.updated
    assert again.there["events"] == 9
    assert again.there["thread_messages"] == 5


def test_the_file_stays_as_it_was(reference: Reference) -> None:
    seen = {path: path.read_bytes() for path in reference.path.parent.rglob("*") if path.is_file()}
    import_reference(reference.path)
    assert {path: path.read_bytes() for path in reference.path.parent.rglob("*") if path.is_file()} == seen


def test_a_file_in_wal_mode_stays_as_it_was(reference: Reference) -> None:
    reference.do("PRAGMA journal_mode=WAL")
    test_the_file_stays_as_it_was(reference)
    assert Run.objects.count() == 3


def test_what_is_verified_is_right_afterwards(reference: Reference) -> None:
    reference.event("t1", "r1", 9, "run.state.changed")  # a gap that was there before
    import_reference(reference.path)
    assert verify().differences == []


def test_it_goes_on_where_it_was_cut_off(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    import_reference(reference.path)
    whole = everything()
    # What an import leaves that was killed in the middle: the run, some of its messages, two of its events.
    run = Run.objects.get(pk="r1")
    Event.objects.filter(run=run, sequence=3)._raw_delete("default")
    last = Event.objects.get(run=run, sequence=2)
    Run.objects.filter(pk="r1").update(last_sequence=2, last_hash=last.hash)
    Artifact.objects.all().delete()
    RecoveryIntent.objects.all().delete()
    report = import_reference(reference.path)
    assert (report.imported["events"], report.imported["artifacts"]) == (1, 1)
    ignored = {"RecoveryIntent", "Event"}  # these have numbers made here
    assert {k: v for k, v in everything().items() if k not in ignored} == {
        k: v for k, v in whole.items() if k not in ignored
    }
    assert verify().differences == []


def test_it_brings_a_run_up_to_date_that_went_on_there(reference: Reference) -> None:
    import_reference(reference.path)
    reference.do(
        "UPDATE runs SET state = 'completed', resumable = 0, updated_at = '2025-03-01T11:00:00Z' "
        "WHERE run_id = 'r3'"
    )
    reference.do(
        "UPDATE approvals SET status = 'approved', resolved_at = '2025-03-01T11:00:00Z' "
        "WHERE approval_id = 'a2'"
    )
    reference.event("t2", "r3", 4, "run.state.changed")
    reference.message("t2", "r3", "assistant", "Written.")
    report = import_reference(reference.path)
    assert dict(+report.updated) == {"runs": 1, "run_requests": 1, "approvals": 1}
    assert (report.imported["events"], report.imported["thread_messages"]) == (1, 1)
    run = Run.objects.get(pk="r3")
    assert (run.state, run.output, run.thread.status) == ("completed", "Written.", "completed")
    assert Approval.objects.get(pk="a2").status == "approved"
    assert verify().differences == []


@pytest.mark.parametrize("state", ["running", "queued", "resuming", "paused"])
def test_it_fails_what_nobody_can_take_over(reference: Reference, state: str) -> None:
    reference.do("UPDATE runs SET state = ? WHERE run_id = 'r2'", state)
    report = import_reference(reference.path)
    run = Run.objects.get(pk="r2")
    assert run.state == run.thread.status == "failed"
    assert f"was {state} when its records were brought along" in str(run.error)
    assert sum(report.notes.values()) == 1
    assert Run.objects.claimable(datetime.now(UTC)) == []
    assert not Run.objects.orphaned(datetime.now(UTC).timestamp(), 30.0).exists()


def test_it_asks_nobody_for_a_run_that_has_ended(reference: Reference) -> None:
    reference.approval("a3", "t1", "r2")
    reference.do("UPDATE approvals SET status = 'strange' WHERE approval_id = 'a2'")
    import_reference(reference.path)
    assert not Approval.objects.pending().exists()
    assert Run.objects.get(pk="r3").state == "failed", "nobody is asked, so nothing would ever happen"
