"""What was asked of a run."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from runtime import actions, journal
from runtime.events import iso
from runtime.models import Run, RunRequest
from tests.api.conftest import BOT, Caller, json_of

pytestmark = pytest.mark.django_db


def test_save_run_request__is_one_for_each_run(run: Run) -> None:
    again = RunRequest(run=run, thread_id=run.thread_id, request_json={}, resolved_json={})
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)
    assert RunRequest.objects.get().run_id == run.run_id


def test_get_run_request__has_input_invocation_and_time() -> None:
    invocation = {"context": {"a": 1}, "inputs": {"b": [None, 1.0]}, "attachments": ["c"]}
    run = actions.start_run(BOT, " as it is \n", invocation=invocation)
    request = RunRequest.objects.get(pk=run.pk)
    assert request.request_json == {
        "input": " as it is \n",
        "invocation": invocation,
        "savedAt": iso(request.saved_at),
    }


def test_clear_run_request__goes_with_the_run_and_not_before(operating: Caller, done: Run) -> None:
    assert RunRequest.objects.filter(run=done).exists()
    again = json_of(operating.post(f"/runs/{done.run_id}/retry"), 202)
    assert RunRequest.objects.get(pk=again["run_id"]).request_json["input"] == "what is 2 + 3"
    operating.post(f"/runs/{again['run_id']}/cancel")
    journal.delete_thread(done.thread_id, deleted_by="olga", source="api")
    assert not RunRequest.objects.exists()
