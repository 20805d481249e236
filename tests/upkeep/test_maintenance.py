"""Maintenance passes: what they remove and what they leave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from runtime import access, catalogue, journal
from runtime.events import EventType
from runtime.models import (
    Checkpoint,
    DecisionRecord,
    Event,
    Run,
    SignInLink,
    Thread,
    Tombstone,
    Worker,
)
from runtime.models.counters import counts
from runtime.upkeep import maintenance
from runtime.upkeep.verify import verify
from tests.journal.conftest import verdict
from tests.upkeep.conftest import date, ended, in_doubt, make, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def strict(tmp_path: Path, settings: object) -> Iterator[None]:
    """A workspace that keeps the newest run of a thread, and works in tiny batches."""
    policy = "{retention: {checkpoints: {keep_runs: 1}}, maintenance: {checkpoints: {batch: 2}}}"
    (tmp_path / "workspace.yaml").write_text(
        f"apiVersion: agent-harness/v1alpha1\nkind: Workspace\nmetadata: {{name: x}}\nspec: {policy}\n"
    )
    settings.WORKSPACE_DIR = tmp_path  # type: ignore[attr-defined]
    catalogue.forget()
    yield
    catalogue.forget()


def past_of_many_kinds() -> None:
    """Threads of every sort, old and young."""
    first = ended(40)
    for days in (40, 35, 1):
        ended(days, thread_id=first.thread_id)
    date(first, 40)
    Thread.objects.filter(pk=first.thread_id).update(updated_at=datetime.now(UTC) - timedelta(days=1))
    ended(40)
    held = ended(40)
    journal.hold_thread(held.thread_id, reason="a lawsuit", held_by="anna", source="page")
    in_doubt(40, cancelled=True)
    date(waiting().run, 40)
    decided = waiting()
    journal.settle(decided.pk, verdict(decided, "reject"))
    journal.cancel(decided.run_id, requested_by="olga", source="page", reason="")
    date(decided.run, 40)


@pytest.mark.usefixtures("strict")
def test_it_removes_the_checkpoints_of_old_runs_but_the_newest_of_a_thread() -> None:
    runs = [ended(40)]
    runs += [ended(40, thread_id=runs[0].thread_id) for _ in range(4)]
    current = make("checkpoints")
    assert list(Checkpoint.objects.values_list("run_id", flat=True).distinct()) == [runs[-1].run_id]
    assert current.done_json["chains"] == 4
    assert current.done_json["checkpoints"] == 8
    assert current.kept_json["chains"] == {"newest": 1}
    assert [run.checkpoint_ref for run in Run.objects.order_by("position")][:4] == [None] * 4
    assert verify().differences == []


def test_it_empties_streamed_text_and_nothing_else_of_an_event() -> None:
    run, young = ended(1), ended(0)
    before = {event.pk: event for event in Event.objects.all()}
    current = make("checkpoints")
    texts = Event.objects.filter(run=run, type="output.delta")
    assert list(texts.values_list("event_json", flat=True)) == ["", ""]
    assert Event.objects.filter(event_json="").count() == 2
    for event in Event.objects.all():
        old = before[event.pk]
        assert (event.sequence, event.type, bytes(event.hash)) == (old.sequence, old.type, bytes(old.hash))
    bodies = [before[text.pk].event_json.encode() for text in texts]
    assert current.done_json["text_bytes"] == sum(map(len, bodies)), "bytes, not characters"
    assert current.kept_json["texts"] == {"young": 1}
    assert verify().differences == []
    run.refresh_from_db()
    young.refresh_from_db()
    assert run.text_emptied_at is not None
    assert young.text_emptied_at is None


@pytest.mark.usefixtures("strict")
def test_it_empties_a_run_of_many_batches() -> None:
    run = ended(1)
    assert Event.objects.filter(run=run, type="output.delta").count() == 2
    assert make("checkpoints").done_json["texts"] == 2
    assert maintenance.preview("checkpoints").found["texts"] == 0


def test_it_lets_the_newest_go_when_all_together_are_too_large(
    tmp_path: Path, settings: object, strict: None
) -> None:
    runs = [ended(40 - number) for number in range(3)]
    size = Checkpoint.objects.filter(run=runs[0]).sizes()["checkpoint_bytes"]
    text = (tmp_path / "workspace.yaml").read_text()
    (tmp_path / "workspace.yaml").write_text(text.replace("keep_runs: 1", f"keep_bytes: {size * 2}"))
    catalogue.forget()
    assert make("checkpoints").done_json["chains"] == 1
    assert not Checkpoint.objects.filter(run=runs[0]).exists()
    assert make("checkpoints").done_json.get("chains", 0) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"event_json": "{}"},
        {"event_json": "", "hash": b"x"},
        {"sequence": 99},
        {"type": "run.created"},
    ],
)
def test_it_lets_nobody_change_more_of_an_event(change: dict[str, object]) -> None:
    ended(1)
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.filter(type="output.delta").update(**change)


def test_it_lets_nobody_empty_what_is_no_streamed_text_or_of_a_run_under_way() -> None:
    run = waiting().run
    with journal.entry(run.run_id) as entry:
        entry.note(EventType.OUTPUT_DELTA, text="x", call=1)
    for rows in (Event.objects.filter(type="output.delta"), Event.objects.filter(type="approval.requested")):
        assert rows.exists()
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(event_json="")


def test_it_removes_old_threads_with_files_and_leaves_a_tombstone() -> None:
    run, young = ended(40), ended(20)
    folder = run.thread.folder / "files"
    folder.mkdir(parents=True)
    (folder / "a").write_text("x")
    current = make("records")
    assert list(Thread.objects.all()) == [young.thread]
    assert not run.thread.folder.exists()
    tombstone = Tombstone.objects.get()
    assert (tombstone.thread_id, tombstone.deleted_by, tombstone.files_left) == (
        run.thread_id,
        "maintenance",
        False,
    )
    assert current.done_json["events"] == run.last_sequence == tombstone.counts["events"]
    assert current.kept_json["threads"] == {"young": 1}
    assert verify().differences == []


def test_it_keeps_decisions_about_deleted_threads_for_a_year_without_arguments() -> None:
    approval, other = waiting(), waiting()
    for each in (approval, other):
        journal.settle(each.pk, verdict(each, "reject", reason="no"))
        journal.cancel(each.run_id, requested_by="olga", source="page", reason="")
    date(approval.run, 40)
    make("records")
    record = DecisionRecord.objects.get(approval_id=approval.pk)
    assert (record.decided_by, record.arguments_before, record.reason) == ("rene", None, "")
    with connection.cursor() as cursor:  # the guards let nobody date a decision back
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER decisions_frozen")
        else:
            cursor.execute("SET LOCAL session_replication_role = replica")
    DecisionRecord.objects.update(decided_at=datetime.now(UTC) - timedelta(days=366))
    assert make("records").done_json["decisions"] == 1
    assert list(DecisionRecord.objects.values_list("approval_id", flat=True)) == [other.pk]


def test_it_removes_traces_of_the_past() -> None:
    user = User.objects.create_user("x")
    access.make_sign_in_link(user)
    link = SignInLink.objects.get()
    long_ago = datetime.now(UTC) - timedelta(days=31)
    SignInLink.objects.create(user=user, token_hash="1", created_at=long_ago, expires_at=long_ago)
    Worker.objects.create(worker_id="old", host="a", pid=1, version="1", slots=1, heartbeat_at=long_ago)
    Worker.objects.create(worker_id="new", host="a", pid=2, version="1", slots=1)
    done = make("records").done_json
    assert (done["sign_in_links"], done["workers"]) == (1, 1)
    assert SignInLink.objects.get() == link
    assert Worker.objects.get().worker_id == "new"


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("kind", ["checkpoints", "records"])
def test_it_does_what_the_dry_run_said(kind: str) -> None:
    past_of_many_kinds()
    events, threads = list(Event.objects.values()), Thread.objects.count()
    dry = maintenance.dry_run(kind, requested_by="anna")
    assert (list(Event.objects.values()), Thread.objects.count()) == (events, threads), "nothing changed"
    current = make(kind)
    said = {name: count for name, count in dry.done_json.items() if count}
    assert said, "there was something to do"
    assert {
        name: count for name, count in current.done_json.items() if count and name != "file_bytes"
    } == said
    assert current.kept_json == dry.kept_json
    assert not any(maintenance.preview(kind).found.values())
    assert verify().differences == []


def test_it_counts_anew_what_was_changed_past_the_triggers(caplog: pytest.LogCaptureFixture) -> None:
    waiting()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE counters SET approvals_pending = 0, running = 7 WHERE shard = 0")
    make("records")
    assert (counts()["approvals_pending"], counts()["running"]) == (1, 0)
    assert "running 7 for 0" in caplog.text
    assert verify().differences == []
