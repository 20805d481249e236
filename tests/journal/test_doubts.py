"""Calls in doubt: a person says whether they happened."""

from __future__ import annotations

import pytest

from runtime import journal
from runtime.lifecycle import CallState, RunState
from runtime.models import Approval, DecisionRecord, Event, Run, ToolCall
from runtime.upkeep.verify import verify
from tests.journal.conftest import claim, verdict

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_doubt(waiting: Approval) -> Run:
    """A run whose approved call started, then its worker was lost."""
    journal.settle(waiting.approval_id, verdict(waiting, "approve"))
    lease = claim(waiting.run)
    with journal.entry(waiting.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, waiting.tool_call_id), worker="w1")
    with journal.entry(waiting.run_id, lease) as entry:
        journal.doubt(entry, waiting.tool_call_id)
    return Run.objects.get(pk=waiting.run_id)


def again(call: ToolCall) -> journal.GatedCall:
    return journal.GatedCall(
        provider_call_id=call.provider_call_id,
        tool_name=call.tool_name,
        tool_version=call.tool_version,
        raw_arguments=call.raw_arguments,
        arguments=call.arguments,
        state=CallState.WAITING,
        allowed_decisions=("approve", "reject"),
    )


def resolve(run: Run, outcome: str, result: str = "") -> Run:
    call = ToolCall.objects.get(run=run)
    return journal.resolve(run.run_id, outcome=outcome, result=result, again=again(call), resolved_by="olga")


def test_it_takes_the_persons_word_that_it_happened(in_doubt: Run) -> None:
    assert in_doubt.state == "in_doubt"
    resolve(in_doubt, "happened", "the file is there")
    call = ToolCall.objects.get(run=in_doubt)
    assert (call.state, call.result) == ("completed", "the file is there")
    assert Run.objects.get(pk=in_doubt.pk).state == "queued"
    assert [e.type for e in Event.objects.of_run(in_doubt.run_id)][-3:] == [
        "tool.resolved",
        "tool.completed",
        "run.queued",
    ]


def test_it_asks_anew_for_what_did_not_happen_and_the_old_decision_is_spent(in_doubt: Run) -> None:
    resolve(in_doubt, "did_not_happen")
    run = Run.objects.get(pk=in_doubt.pk)
    assert run.state == RunState.WAITING_FOR_APPROVAL
    old, new = Approval.objects.filter(run=run).in_order()
    assert (old.status, new.status) == ("approved", "pending")
    assert new.digest == old.digest
    journal.settle(new.approval_id, verdict(new, "approve", by="ruth"))
    lease = claim(run)
    with journal.entry(run.run_id, lease) as entry:
        call = journal.start(entry, journal.call_of(entry.run.run_id, new.tool_call_id), worker="w2")
    assert (call.attempt, call.idempotency_key) == (2, call.tool_call_id)
    assert DecisionRecord.objects.filter(spent_at__isnull=False).count() == 2


def test_it_resolves_once(in_doubt: Run) -> None:
    resolve(in_doubt, "happened")
    events = Event.objects.count()
    with pytest.raises(journal.NotInDoubt):
        resolve(in_doubt, "did_not_happen")
    assert Event.objects.count() == events


def test_it_can_be_cancelled_in_doubt(in_doubt: Run) -> None:
    journal.cancel(in_doubt.run_id, requested_by="olga", source="page", reason="")
    assert Run.objects.get(pk=in_doubt.pk).state == "cancelled"


@pytest.mark.parametrize(
    ("outcome", "result", "state"),
    [("happened", "it is paid", "completed"), ("did_not_happen", "", "cancelled")],
)
def test_a_cancelled_run_stays_so_when_its_doubt_is_settled(
    in_doubt: Run, outcome: str, result: str, state: str
) -> None:
    journal.cancel(in_doubt.run_id, requested_by="olga", source="page", reason="")
    assert resolve(in_doubt, outcome, result).state == "cancelled"
    call = ToolCall.objects.get(run=in_doubt)
    assert (call.state, call.result) == (state, result or None)
    assert call.finished_at is not None
    assert [event.type for event in Event.objects.of_run(in_doubt.run_id)][-1] == "tool.resolved"
    assert verify().differences == []
    with pytest.raises(journal.NotInDoubt):
        resolve(in_doubt, outcome, result)
