"""Threads and their messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runtime import journal
from runtime.events import iso
from runtime.lifecycle import ACTIVE, TERMINAL, CallState, RunState
from runtime.models import Approval, Run, Thread, ThreadMessage
from runtime.models.protection import GOES
from tests.api.conftest import Caller, json_of
from tests.persistence.conftest import claim, end, new_run, propose

pytestmark = pytest.mark.django_db


def test_create_thread__has_the_default_workspace_and_its_first_run() -> None:
    run = new_run(agent_id="orchestra")
    thread = Thread.objects.get()
    assert (thread.workspace_id, thread.entry_agent_id) == ("default", "orchestra")
    assert (thread.latest_run_id, thread.status) == (run.run_id, "queued")
    assert thread.created_at == thread.updated_at == run.created_at


def test_list_sessions__gives_the_newest_change_first(reading: Caller) -> None:
    first, second = new_run(), new_run()
    claim(first)  # changes its thread
    items = json_of(reading.get("/threads"))["items"]
    assert [item["thread_id"] for item in items] == [first.thread_id, second.thread_id]


def test_get_session__is_a_summary_or_none(reading: Caller, run: Run) -> None:
    found = json_of(reading.get(f"/threads/{run.thread_id}"))
    thread = Thread.objects.get()
    assert found["entry_agent_id"] == "direct"
    assert (found["latest_run_id"], found["status"]) == (run.run_id, "queued")
    assert (found["created_at"], found["updated_at"]) == (iso(thread.created_at), iso(thread.updated_at))
    assert reading.get("/threads/missing").status_code == 404


def test_get_thread_meta__adds_workspace_and_entry_agent(reading: Caller, run: Run) -> None:
    found = json_of(reading.get(f"/threads/{run.thread_id}"))
    assert (found["workspace_id"], found["entry_agent_id"]) == ("default", "direct")
    assert not Thread.objects.filter(pk="missing").exists()


def test_append_thread_message__adds_one_and_changes_none(run: Run) -> None:
    before = list(ThreadMessage.objects.values())
    with journal.entry(run.run_id) as entry:
        entry.message("assistant", {"text": "Yes."}, step="reply")
    assert list(ThreadMessage.objects.order_by("id").values())[:-1] == before
    added = ThreadMessage.objects.latest("id")
    assert (added.role, added.text, added.run_id, added.thread_id) == (
        *("assistant", "Yes."),
        *(run.run_id, run.thread_id),
    )


def test_list_thread_messages__gives_the_newest_twelve_oldest_first(reading: Caller, run: Run) -> None:
    with journal.entry(run.run_id) as entry:
        for number in range(13):
            entry.message("assistant", {"text": str(number)}, step="reply")
    items = json_of(reading.get(f"/threads/{run.thread_id}/messages"))["items"]
    assert [item["content"] for item in items] == [str(number) for number in range(1, 13)]
    assert [m.text for m in ThreadMessage.objects.newest(run.thread_id, 2)] == ["11", "12"]


def test_delete_thread__leaves_nothing_but_the_audit(operating: Caller, approval: Approval) -> None:
    thread = Thread.objects.get()
    (thread.folder / "files").mkdir(parents=True, exist_ok=True)
    assert operating.delete(f"/threads/{thread.pk}").status_code == 204
    assert not thread.folder.exists()
    assert [Run.objects.count(), Approval.objects.count(), ThreadMessage.objects.count()] == [0, 0, 0]
    assert journal.delete_thread(thread.pk, deleted_by="olga", source="api") is False
    assert operating.delete(f"/threads/{thread.pk}").status_code == 404


def gone_by_maintenance() -> list[Run]:
    """The runs whose checkpoints would go at once, however young and new they are."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    return list(Run.objects.with_chain(tomorrow, newest=0, too_many=None).filter(GOES).order_by("position"))


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_protected_checkpoint_threads__are_those_that_may_go_on(state: RunState) -> None:
    ended = new_run()
    end(ended, claim(ended))
    assert gone_by_maintenance() == [ended]
    other = new_run(thread_id=ended.thread_id)
    Run.objects.filter(pk=other.pk).update(state=state.value)
    assert gone_by_maintenance() == []


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_protected_checkpoint_threads__are_none_that_have_ended(state: RunState) -> None:
    runs = [new_run()]
    runs.append(new_run(thread_id=runs[0].thread_id))
    Run.objects.update(state=state.value)
    assert gone_by_maintenance() == runs


def test_defect_13__a_waiting_run_has_a_checkpoint() -> None:
    run = new_run()
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("write_file", CallState.WAITING))
    run.refresh_from_db()
    assert (run.state, run.resumable) == ("waiting_for_approval", True)
    assert run.checkpoint_ref
    assert Approval.objects.get().checkpoint_ref == run.checkpoint_ref
    assert gone_by_maintenance() == []
