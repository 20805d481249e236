"""Creating runs."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from runtime import journal
from runtime.models import Checkpoint, Event, Run, RunRequest, Thread, ThreadMessage
from tests.journal.conftest import claim, new_run

pytestmark = pytest.mark.django_db


def test_it_writes_thread_run_request_message_and_events_together() -> None:
    run = new_run("do it", requested_by="olga")
    thread = Thread.objects.get(pk=run.thread_id)
    assert (thread.workspace_id, thread.entry_agent_id, thread.status) == ("default", "direct", "queued")
    assert thread.latest_run_id == run.run_id
    assert run.created_at == run.updated_at == run.state_entered_at == run.last_transition_at
    assert (run.resumable, run.previous_state) == (False, None)
    request = RunRequest.objects.get(run=run).request_json
    assert request["input"] == "do it"
    assert set(request["invocation"]) == {"context", "inputs", "attachments"}
    assert [e.type for e in Event.objects.of_run(run.run_id)] == ["run.created", "run.queued"]
    assert ThreadMessage.objects.get(run=run).text == "do it"
    assert Checkpoint.objects.get(run=run).checkpoint_ref == run.checkpoint_ref


def test_it_falls_back_to_the_execution_mode_only_for_null() -> None:
    assert new_run().adapter_kind == "one_step"
    assert new_run(adapter_kind="").adapter_kind == ""
    assert new_run(adapter_kind="deep").adapter_kind == "deep"


def test_it_numbers_the_runs_of_a_thread_and_latest_follows_creation() -> None:
    first = new_run()
    second = new_run(thread_id=first.thread_id)
    assert [first.position, second.position] == [1, 2]
    assert claim(first) is not None
    thread = Thread.objects.get(pk=first.thread_id)
    assert thread.latest_run_id == second.run_id
    assert thread.status == "queued", "an older run's move must not speak for the thread"


def test_it_refuses_a_thread_that_is_gone() -> None:
    with pytest.raises(journal.ThreadGone):
        new_run(thread_id="nothing")
    assert not Run.objects.exists()


def test_it_refuses_the_same_idempotency_key_twice() -> None:
    new_run(requested_by="olga", idempotency_key="k")
    with pytest.raises(IntegrityError), transaction.atomic():
        new_run(requested_by="olga", idempotency_key="k")
    assert Run.objects.count() == 1
    new_run(requested_by="rene", idempotency_key="k")


def test_it_refuses_a_row_that_pairs_a_thread_with_a_foreign_run() -> None:
    one, other = new_run(), new_run()
    with pytest.raises(IntegrityError, match="does not belong"), transaction.atomic():
        Event.objects.create(
            thread_id=one.thread_id, run_id=other.run_id, sequence=99, type="x", event_json="{}", hash=b""
        )
    with pytest.raises(IntegrityError, match="does not belong"), transaction.atomic():
        ThreadMessage.objects.filter(run=one).update(run_id=other.run_id)
