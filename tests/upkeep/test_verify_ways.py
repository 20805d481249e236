"""Verification finds nothing in whatever may become of a call, and what was changed of it."""

from __future__ import annotations

from typing import Any

import pytest

from runtime import journal
from runtime.events import EventType
from runtime.journal.calls import change
from runtime.journal.entry import Entry
from runtime.lifecycle import CallState, RunState
from runtime.models import Approval
from runtime.upkeep.verify import verify
from tests.journal.conftest import claim, new_run, propose, reply, verdict
from tests.upkeep.test_verify import OTHER, OTHER_DIGEST, force

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(db: None) -> Approval:
    """A pending approval whose deadline has passed."""
    run = new_run()
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("write_file", CallState.WAITING), expires_after_seconds=0)
    return Approval.objects.get(run=run)


#: What people and time do to a call, from its question on.
WAYS = [
    *("approve", "edit", "reject", "respond", "expire", "cancel", "decided"),
    *("again", "happened", "failed", "refused"),
]


def go(approval: Approval, way: str) -> None:
    """Takes the run of a waiting approval in this way to an end of it or to where it waits again."""
    if way == "cancel":
        journal.cancel(approval.run_id, requested_by="olga", source="page", reason="late")
        return
    if way == "expire":
        assert journal.expire(approval.pk)
    else:
        decision = way if way in ("edit", "reject", "respond") else "approve"
        said: dict[str, Any] = {"edit": {"arguments": {"path": "c"}}, "respond": {"content": "It is so."}}
        journal.settle(approval.pk, verdict(approval, decision, reason="why", **said.get(decision, {})))
    if way == "decided":
        return
    lease = claim(approval.run)
    assert lease is not None
    with journal.entry(approval.run_id, lease) as entry:
        call = journal.call_of(approval.run_id, approval.tool_call_id)
        if way in ("expire", "reject", "respond", "refused"):
            if way == "refused":
                change(call, CallState.REFUSED, answer="A rule forbids it.")
            journal.finish(entry, call, text=call.answer, failed=way != "respond")
            entry.end(RunState.FAILED, "enough", error="It was enough.")
            return
        journal.start(entry, call, worker="w1")
    with journal.entry(approval.run_id, lease) as entry:
        call = journal.call_of(approval.run_id, approval.tool_call_id)
        if way in ("again", "happened"):
            journal.doubt(entry, call.pk)
        else:
            journal.finish(entry, call, text="x" * 20_000, failed=way == "failed", duration_ms=3)
            reply(entry, "bye")
            entry.end(RunState.COMPLETED, "done", output="bye")
    if way in ("again", "happened"):
        outcome = "happened" if way == "happened" else "did_not_happen"
        anew = journal.GatedCall("c0", "write_file", "1", "{}", call.arguments, CallState.WAITING)
        journal.resolve(approval.run_id, outcome=outcome, result="so", again=anew, resolved_by="olga")


@pytest.mark.parametrize("way", WAYS)
def test_it_finds_nothing_in_what_may_become_of_a_call(asked: Approval, way: str) -> None:
    go(asked, way)
    assert verify().differences == []
    if way == "again":
        go(Approval.objects.get(run=asked.run, status="pending"), "edit")
        assert verify().differences == []


@pytest.mark.parametrize("state", [CallState.GRANTED, CallState.REFUSED])
def test_it_finds_nothing_in_a_call_that_nobody_was_asked_about(state: CallState) -> None:
    run = new_run()
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("write_file", state), ("write_file", state))
    assert verify().differences == []
    journal.cancel(run.run_id, requested_by="olga", source="page", reason="")
    assert verify().differences == []
    force("UPDATE tool_calls SET state = 'granted' WHERE position = 1")
    assert verify().differences


@pytest.mark.parametrize(
    ("way", "sql"),
    [
        ("edit", f"UPDATE decisions SET arguments_after = '{OTHER}'"),
        ("edit", f"UPDATE tool_calls SET arguments_json = '{OTHER}', digest = '{OTHER_DIGEST}'"),
        ("decided", "UPDATE decisions SET decision = 'reject'; UPDATE approvals SET status = 'rejected'"),
        ("decided", "UPDATE decisions SET decision = 'edit'; UPDATE approvals SET status = 'edited'"),
        ("decided", f"UPDATE tool_calls SET arguments_json = '{OTHER}', digest = '{OTHER_DIGEST}'"),
        ("decided", "UPDATE decisions SET spent_at = decided_at"),
        ("respond", "UPDATE decisions SET content = 'It is not.'"),
        ("reject", "UPDATE runs SET error = NULL"),
        ("again", "UPDATE tool_calls SET state = 'granted'"),
        ("happened", "UPDATE tool_calls SET result = 'not so'"),
        ("approve", "UPDATE tool_calls SET result = 'y' || substr(result, 2)"),
        ("approve", "UPDATE tool_calls SET result = result || 'y'"),
        ("expire", "UPDATE approvals SET status = 'cancelled'"),
        ("cancel", "UPDATE approvals SET status = 'pending', resolved_at = NULL"),
    ],
)
def test_it_finds_what_was_changed_of_it(asked: Approval, way: str, sql: str) -> None:
    go(asked, way)
    force(sql)
    assert verify().differences


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events as they were before they carried digests."""
    note = Entry.note
    later = ("message_digest", "outcome_digest", "content_digest")

    def noted(self: Entry, kind: EventType, /, **payload: Any) -> int:
        kept = {name: value for name, value in payload.items() if name not in later}
        if kind is EventType.APPROVAL_RESOLVED:
            kept.pop("arguments_digest", None)
        return note(self, kind, **kept)

    monkeypatch.setattr(Entry, "note", noted)


@pytest.mark.usefixtures("older")
@pytest.mark.parametrize("way", WAYS)
def test_it_finds_nothing_in_older_records(asked: Approval, way: str) -> None:
    go(asked, way)
    assert verify().differences == []


@pytest.mark.usefixtures("older")
@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM thread_messages WHERE role = 'user'",
        f"UPDATE tool_calls SET arguments_json = '{OTHER}', digest = '{OTHER_DIGEST}'",
        "UPDATE runs SET output = 'hello'",
        "UPDATE decisions SET decided_by = 'mallory'",
    ],
)
def test_it_finds_what_was_changed_in_older_records(asked: Approval, sql: str) -> None:
    go(asked, "approve")
    force(sql)
    assert verify().differences
