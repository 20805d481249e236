"""Why a run is in its state stands in its row, with what its model call met."""

from __future__ import annotations

import pytest

from runtime import journal
from runtime.lifecycle import RunState, Why
from runtime.models import Event, Run
from tests.engine.conftest import start

pytestmark = pytest.mark.django_db


def test_it_says_why_a_run_was_queued_and_by_which_model() -> None:
    run = start("hello")
    assert (run.state_reason, run.model) == (Why.CREATED, "scripted")


def test_it_keeps_the_reason_of_every_move() -> None:
    run = start("hello")
    lease = journal.claim(run.run_id, "w", slots=1, lease_seconds=30)
    assert lease is not None
    assert Run.objects.get().state_reason == Why.CLAIMED
    with journal.entry(run.run_id, lease) as entry:
        entry.end(RunState.FAILED, "half a character: \ud800", error="x")
    row = Run.objects.get()
    assert row.state_reason == Event.objects.of_run(run.run_id).last().body["reason"]  # type: ignore[union-attr]


def test_it_forgets_what_a_model_call_met_when_a_reply_came() -> None:
    run = start("hello")
    lease = journal.claim(run.run_id, "w", slots=1, lease_seconds=30)
    with journal.entry(run.run_id, lease) as entry:
        entry.set(fault="rate_limited", model_attempts=2)
    with journal.entry(run.run_id, lease) as entry:
        entry.message("assistant", {"text": "Hello."}, step="reply")
    assert (Run.objects.get().fault, Run.objects.get().model_attempts) == ("", 0)
