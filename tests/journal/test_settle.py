"""Decisions, expiry, cancel: one winner, one entry, and nothing runs that was not granted."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from runtime import canonical, journal
from runtime.lifecycle import CallState, IllegalMove, RunState
from runtime.models import Approval, DecisionRecord, Event, RecoveryIntent, Run, ToolCall
from tests.journal.conftest import claim, new_run, propose, verdict

pytestmark = pytest.mark.django_db


def test_it_records_who_when_what_and_queues_the_run(waiting: Approval) -> None:
    journal.settle(waiting.approval_id, verdict(waiting, "approve", address="127.0.0.1"))
    waiting.refresh_from_db()
    assert (waiting.status, waiting.tool_call.state, waiting.run.state) == ("approved", "granted", "queued")
    record = DecisionRecord.objects.get(approval_id=waiting.approval_id)
    assert (record.decided_by, record.decision, record.digest) == ("rene", "approve", waiting.digest)
    assert record.arguments_before == record.arguments_after == {"path": "a"}
    intent = RecoveryIntent.objects.get(approval=waiting).intent_json
    assert intent["kind"] == "approval-decision"
    assert intent["checkpointRef"] == waiting.checkpoint_ref
    kinds = [e.type for e in Event.objects.of_run(waiting.run_id)][-2:]
    assert kinds == ["approval.resolved", "run.queued"]


def test_it_binds_an_edit_to_its_own_digest(waiting: Approval) -> None:
    journal.settle(waiting.approval_id, verdict(waiting, "edit", arguments={"path": "b"}))
    call = ToolCall.objects.get(pk=waiting.tool_call_id)
    assert call.arguments == {"path": "b"}
    assert call.digest == canonical.call_digest("write_file", "1", {"path": "b"}) != waiting.digest
    record = DecisionRecord.objects.get()
    assert (record.arguments_before, record.arguments_after) == ({"path": "a"}, {"path": "b"})


def test_it_tells_the_model_the_reviewers_words(waiting: Approval) -> None:
    words = "Not in that folder — ask Zoë first."
    journal.settle(waiting.approval_id, verdict(waiting, "reject", reason=words))
    call = ToolCall.objects.get(pk=waiting.tool_call_id)
    assert call.state == "refused"
    assert words in call.answer


def test_it_refuses_a_second_decision_and_changes_nothing(waiting: Approval) -> None:
    journal.settle(waiting.approval_id, verdict(waiting, "reject", by="rene"))
    events = Event.objects.count()
    with pytest.raises(journal.AlreadyDecided):
        journal.settle(waiting.approval_id, verdict(waiting, "approve", by="ruth"))
    assert Event.objects.count() == events
    assert DecisionRecord.objects.get().decided_by == "rene"
    waiting.refresh_from_db()
    assert waiting.status == "rejected"


def test_it_refuses_a_digest_that_is_not_the_calls(waiting: Approval) -> None:
    stale = journal.Verdict(
        decision=verdict(waiting, "approve").decision, digest="0" * 64, decided_by="rene", source="api"
    )
    with pytest.raises(journal.DigestMismatch):
        journal.settle(waiting.approval_id, stale)
    waiting.refresh_from_db()
    assert waiting.status == "pending"


@pytest.mark.django_db(transaction=True)
def test_it_has_one_winner_when_many_decide_at_once() -> None:
    run = new_run()
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("write_file", CallState.WAITING))
    approval = Approval.objects.get(run=run)
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def decide(number: int) -> None:
        start.wait()
        try:
            what = "approve" if number % 2 else "reject"
            journal.settle(approval.approval_id, verdict(approval, what, by=f"r{number}"))
            outcomes.append("won")
        except journal.AlreadyDecided:
            outcomes.append("lost")
        connection.close()

    threads = [threading.Thread(target=decide, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    assert DecisionRecord.objects.count() == 1
    assert Event.objects.filter(type="approval.resolved").count() == 1


def test_it_resumes_when_the_whole_batch_is_decided_in_any_order() -> None:
    run = new_run()
    lease = claim(run)
    assert lease is not None
    propose(
        run, lease, ("write_file", CallState.WAITING), ("ls", CallState.GRANTED), ("x", CallState.WAITING)
    )
    one, two = Approval.objects.filter(run=run).in_order()
    journal.settle(two.approval_id, verdict(two, "approve"))
    run.refresh_from_db()
    assert run.state == "waiting_for_approval"
    journal.settle(one.approval_id, verdict(one, "respond", content="42"))
    run.refresh_from_db()
    assert run.state == "queued"
    assert RecoveryIntent.objects.filter(run=run).count() == 2


def test_it_spends_a_decision_when_its_call_starts(waiting: Approval) -> None:
    journal.settle(waiting.approval_id, verdict(waiting, "approve"))
    lease = claim(waiting.run)
    with journal.entry(waiting.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, waiting.tool_call_id), worker="w1")
    assert DecisionRecord.objects.get().spent_at is not None
    ToolCall.objects.filter(pk=waiting.tool_call_id).update(state="granted")
    with pytest.raises(journal.NotGranted, match="unspent"), journal.entry(waiting.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, waiting.tool_call_id), worker="w1")


def test_it_starts_nothing_whose_bytes_changed_after_the_decision(waiting: Approval) -> None:
    journal.settle(waiting.approval_id, verdict(waiting, "approve"))
    ToolCall.objects.filter(pk=waiting.tool_call_id).update(arguments_json='{"path":"/etc/passwd"}')
    lease = claim(waiting.run)
    with pytest.raises(journal.NotGranted, match="arguments"), journal.entry(waiting.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, waiting.tool_call_id), worker="w1")


@pytest.mark.parametrize("decision", ["approve", "edit"])
def test_it_starts_nothing_whose_row_was_made_to_fit_other_bytes(waiting: Approval, decision: str) -> None:
    """The grant is the decision's, not what the call says of itself."""
    edited: dict[str, Any] = {"arguments": {"path": "b"}} if decision == "edit" else {}
    journal.settle(waiting.approval_id, verdict(waiting, decision, **edited))
    evil = {"path": "/etc/passwd"}
    ToolCall.objects.filter(pk=waiting.tool_call_id).update(
        arguments_json=canonical.encode(evil).decode(), digest=canonical.call_digest("write_file", "1", evil)
    )
    lease = claim(waiting.run)
    with pytest.raises(journal.NotGranted, match="decided"), journal.entry(waiting.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, waiting.tool_call_id), worker="w1")
    assert DecisionRecord.objects.get().spent_at is None


def test_it_starts_what_a_person_wrote(waiting: Approval) -> None:
    journal.settle(
        waiting.approval_id, verdict(waiting, "edit", arguments={"b": [1.50, 10**18], "a": "\u00fc"})
    )
    lease = claim(waiting.run)
    with journal.entry(waiting.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, waiting.tool_call_id), worker="w1")
    assert DecisionRecord.objects.get().spent_at is not None


def test_it_never_changes_a_decision(waiting: Approval) -> None:
    journal.settle(waiting.approval_id, verdict(waiting, "reject"))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        DecisionRecord.objects.update(decision="approve")


def test_it_expires_in_one_entry_with_the_run(waiting: Approval) -> None:
    assert journal.expire(waiting.approval_id) is False, "it has no deadline"
    Approval.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert journal.expire(waiting.approval_id) is True
    waiting.refresh_from_db()
    assert (waiting.status, waiting.run.state) == ("expired", "queued")
    assert waiting.tool_call.answer == "expired, not decided"
    assert not DecisionRecord.objects.exists(), "an expiry is never a person's no"
    assert Event.objects.filter(type="approval.expired").count() == 1


@pytest.mark.parametrize("state", ["queued", "running", "waiting_for_approval"])
def test_it_cancels_in_every_state_and_fences_the_worker(state: str) -> None:
    run = new_run()
    lease = None if state == "queued" else claim(run)
    if state == "waiting_for_approval":
        assert lease is not None
        propose(run, lease, ("write_file", CallState.WAITING))
    before, stopped = journal.cancel(run.run_id, requested_by="olga", source="page", reason="enough")
    assert before == state
    run.refresh_from_db()
    assert run.state == "cancelled"
    if lease is not None:
        with pytest.raises(journal.Fenced), journal.entry(run.run_id, lease):
            pass
    if state == "waiting_for_approval":
        assert stopped == ["write_file before it started"]
        assert Approval.objects.get(run=run).status == "cancelled"
    with pytest.raises(IllegalMove):
        journal.cancel(run.run_id, requested_by="olga", source="page", reason="")


def test_it_decides_nothing_of_a_cancelled_run(waiting: Approval) -> None:
    journal.cancel(waiting.run_id, requested_by="olga", source="page", reason="")
    with pytest.raises(journal.AlreadyDecided):
        journal.settle(waiting.approval_id, verdict(waiting, "approve"))
    assert Run.objects.get(pk=waiting.run_id).state == RunState.CANCELLED
