"""What models and tools say arrives whole on every database, and what no database can hold is replaced."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import CallState, RunState
from runtime.models import Approval, Artifact, Event, Run, ThreadMessage, ToolCall
from runtime.models.base import new_id
from tests.journal.conftest import claim, new_run

pytestmark = pytest.mark.django_db

HOSTILE = "a\x00b\ud800c\udfffd"
STORED = "a\ufffdb\ufffdc\ufffdd"


def gated(arguments: dict[str, Any] | None, state: CallState) -> journal.GatedCall:
    return journal.GatedCall(
        provider_call_id=HOSTILE,
        tool_name=HOSTILE,
        tool_version="1",
        raw_arguments=HOSTILE,
        arguments=arguments,
        state=state,
        answer=HOSTILE,
        allowed_decisions=("approve",),
    )


def test_it_stores_what_no_database_holds_as_something_that_it_does() -> None:
    run = new_run()
    lease = claim(run)
    with journal.entry(run.run_id, lease) as entry:
        entry.note(EventType.OUTPUT_DELTA, text=HOSTILE, call=1)
        message = entry.message("assistant", {"text": HOSTILE, "more": [{"deep": HOSTILE}]}, step="reply")
        journal.propose(entry, message, [gated(None, CallState.REFUSED)])
    call = ToolCall.objects.get(run=run)
    with journal.entry(run.run_id, lease) as entry:
        journal.keep_artifact(
            entry, call, path=HOSTILE, stored_name=new_id(), size=1, sha256="0" * 64, kind="text"
        )
        journal.finish(entry, call, text=HOSTILE, failed=True)
        entry.end(RunState.COMPLETED, HOSTILE, output=HOSTILE)
    call.refresh_from_db()
    assert {call.provider_call_id, call.tool_name, call.raw_arguments, call.answer, call.error} == {STORED}
    assert ThreadMessage.objects.get(pk=message.pk).content_json == {
        "text": STORED,
        "more": [{"deep": STORED}],
    }
    assert Run.objects.get(pk=run.run_id).output == STORED
    assert Artifact.objects.get(run=run).path == STORED
    texts = "".join(event.event_json for event in Event.objects.of_run(run.run_id))
    assert STORED in texts
    assert "\\u0000" not in texts


def test_it_keeps_numbers_and_the_order_of_keys() -> None:
    shown = {"z": 1e16, "a": 1.0, "m": -0.0, "é": 1e-7, "big": 2**63, "list": [1, 1.5, None, True, "\u2028"]}
    run = new_run()
    lease = claim(run)
    with journal.entry(run.run_id, lease) as entry:
        message = entry.message("assistant", shown, step="reply")
        journal.propose(entry, message, [gated(shown, CallState.WAITING)])
        entry.move(RunState.WAITING_FOR_APPROVAL, "asked")
    preview = Approval.objects.get(run=run).input_preview_json
    assert json.dumps(preview) == json.dumps(shown)
    assert json.dumps(ThreadMessage.objects.get(pk=message.pk).content_json) == json.dumps(shown)
    again = Approval.objects.values_list("input_preview_json", flat=True).get(run=run)
    assert json.dumps(again) == json.dumps(shown)


def test_it_tells_null_and_nothing_apart() -> None:
    run = new_run()
    lease = claim(run)
    with journal.entry(run.run_id, lease) as entry:
        entry.message("assistant", {"text": None, "list": []}, step="reply")
    found = ThreadMessage.objects.get(run=run, role="assistant")
    assert found.content_json == {"text": None, "list": []}
    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(content_json AS text) FROM thread_messages WHERE id = %s", [found.pk])
        assert json.loads(cursor.fetchone()[0]) == {"text": None, "list": []}
