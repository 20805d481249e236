"""Deleting threads: all or nothing, and what is left of the audit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from runtime import journal, upkeep
from runtime.lifecycle import CallState
from runtime.models import Approval, DecisionRecord, Event, Hold, Run, Thread, Tombstone
from runtime.upkeep.verify import verify
from tests.journal.conftest import claim, new_run, propose, verdict

pytestmark = pytest.mark.django_db


def rows_of(thread_id: str) -> dict[str, int]:
    """Rows that name the thread, by table."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_app_config("runtime").get_models():
            table = model._meta.db_table
            columns = [c.name for c in connection.introspection.get_table_description(cursor, table)]
            if "thread_id" in columns:
                cursor.execute(f"SELECT count(*) FROM {table} WHERE thread_id = %s", [thread_id])
                found[table] = cursor.fetchone()[0]
    return found


@pytest.fixture
def decided(waiting: Approval) -> Thread:
    """A thread with a decided call and a second call that still waits."""
    journal.settle(waiting.approval_id, verdict(waiting, "edit", arguments={"path": "b"}, reason="tidier"))
    lease = claim(waiting.run)
    assert lease is not None
    propose(waiting.run, lease, ("write_file", CallState.WAITING))
    folder = waiting.thread.folder / "files"
    folder.mkdir(parents=True)
    (folder / "a").write_text("x")
    return Thread.objects.get(pk=waiting.thread_id)


def test_it_removes_every_row_and_file_and_keeps_the_audit(decided: Thread) -> None:
    other = new_run()
    assert journal.delete_thread(decided.thread_id, deleted_by="olga", source="page") is True
    left = {table: count for table, count in rows_of(decided.thread_id).items() if count}
    assert left == {"decisions": 1, "tombstones": 1}
    record = DecisionRecord.objects.get()
    assert (record.decided_by, record.decision) == ("rene", "edit")
    assert (record.reason, record.arguments_before, record.arguments_after) == ("", None, None)
    tombstone = Tombstone.objects.get()
    assert tombstone.counts["runs"] == 1
    assert tombstone.counts["events"] > 5
    assert tombstone.files_left is False
    assert not decided.folder.exists()
    assert Run.objects.get() == other
    assert Event.objects.filter(run=other).exists()


def test_it_says_when_there_is_none() -> None:
    assert journal.delete_thread("nothing", deleted_by="olga", source="page") is False


@pytest.mark.parametrize("state", ["queued", "running"])
def test_it_deletes_nothing_that_may_still_act(state: str) -> None:
    run = new_run()
    if state == "running":
        claim(run)
    with pytest.raises(journal.ThreadBusy, match=state):
        journal.delete_thread(run.thread_id, deleted_by="olga", source="page")
    assert Thread.objects.exists()
    assert not Tombstone.objects.exists()


def test_it_deletes_nothing_of_a_thread_that_is_held(decided: Thread) -> None:
    journal.hold_thread(decided.thread_id, reason="a lawsuit", held_by="anna", source="page")
    with pytest.raises(journal.ThreadHeld, match=r"anna holds it since .* a lawsuit"):
        journal.delete_thread(decided.thread_id, deleted_by="olga", source="page")
    with pytest.raises(journal.HoldConflict, match="held already"):
        journal.hold_thread(decided.thread_id, reason="another", held_by="olga", source="page")
    assert journal.lift_hold(decided.thread_id, lifted_by="rene", source="api", address="10.0.0.1")
    with pytest.raises(journal.HoldConflict, match="not held"):
        journal.lift_hold(decided.thread_id, lifted_by="rene", source="api")
    assert journal.delete_thread(decided.thread_id, deleted_by="olga", source="page")
    hold = Hold.objects.get()
    assert (hold.thread_id, hold.reason, hold.held_by) == (decided.thread_id, "a lawsuit", "anna")
    assert (hold.lifted_by, hold.lifted_source, hold.lifted_address) == ("rene", "api", "10.0.0.1")
    assert not journal.hold_thread("nothing", reason="x", held_by="anna", source="page")
    assert not journal.lift_hold("nothing", lifted_by="anna", source="page")


def test_it_asks_once_more_when_nothing_can_change_any_more(decided: Thread) -> None:
    assert not journal.delete_thread(decided.thread_id, deleted_by="x", source="system", still=lambda: False)
    assert Thread.objects.exists()
    assert not Tombstone.objects.exists()


def test_it_counts_what_goes_with_it(decided: Thread) -> None:
    said = Thread.objects.filter(pk=decided.pk).belongings()
    texts = [*Event.objects.values_list("event_json", flat=True)]
    assert (said["threads"], said["runs"], said["events"]) == (1, 1, len(texts))
    assert said["bytes"] > sum(len(text.encode()) for text in texts)
    journal.delete_thread(decided.thread_id, deleted_by="olga", source="page")
    counts = Tombstone.objects.get().counts
    assert (counts["thread_messages"], counts["events"]) == (said["messages"], said["events"])
    assert counts["bytes"] == said["bytes"]


def test_it_takes_the_events_of_a_big_thread_away_in_batches(
    decided: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.journal.threads.EVENTS", 3)
    pauses: list[int] = []
    journal.delete_thread(
        decided.thread_id, deleted_by="x", source="page", breathe=lambda: pauses.append(Event.objects.count())
    )
    assert len(pauses) > 2
    assert pauses == sorted(pauses, reverse=True)
    assert not Event.objects.exists()


def test_it_counts_no_event_as_astray_that_a_deletion_left(decided: Thread) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.delete_thread(decided.thread_id, deleted_by="x", source="page", breathe=die)
    assert Event.objects.exists()
    assert verify().differences == []
    upkeep.sweep()
    assert not Event.objects.exists()


def test_it_finishes_a_deletion_that_was_cut_off(decided: Thread) -> None:
    journal.delete_thread(decided.thread_id, deleted_by="olga", source="page")
    (decided.folder / "files").mkdir(parents=True)
    Tombstone.objects.update(files_left=True)
    assert upkeep.sweep()["deleted"] == 1
    assert not decided.folder.exists()
    assert upkeep.sweep()["deleted"] == 0


def test_it_takes_away_a_folder_that_a_late_tool_made_anew(decided: Thread) -> None:
    """Its worker was lost after the deletion had finished."""
    journal.delete_thread(decided.thread_id, deleted_by="olga", source="page")
    (decided.folder / "files").mkdir(parents=True)
    assert upkeep.sweep()["deleted"] == 1
    assert not decided.folder.exists()
    (decided.folder / "files").mkdir(parents=True)
    Tombstone.objects.update(deleted_at=datetime.now(UTC) - timedelta(minutes=11))
    assert upkeep.sweep()["deleted"] == 0  # no worker lives on for so long without its run


def test_it_deletes_what_can_have_no_folder() -> None:
    """Its id came from a reference database; such ones are not taken any more."""
    thread = Thread.objects.create(thread_id="\U0001f600" * 64, status="completed", run_count=0)
    journal.delete_thread(thread.thread_id, deleted_by="olga", source="page")
    assert not Tombstone.objects.get().files_left
    assert upkeep.sweep()["deleted"] == 0


def test_it_follows_no_link_out_of_the_folder(decided: Thread, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (decided.folder / "files" / "way-out").symlink_to(tmp_path)
    journal.delete_thread(decided.thread_id, deleted_by="olga", source="page")
    assert (tmp_path / "precious").read_text() == "keep"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\0b"])
def test_it_lets_no_id_name_another_folder(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name"):
        _ = Thread(thread_id=name).folder
