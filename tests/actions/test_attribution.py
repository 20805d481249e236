"""Every act that changes something says who did it, when, what, and from where."""

from __future__ import annotations

from typing import Any

import pytest

from runtime import actions, journal
from runtime.access import Actor
from runtime.events import EventType
from runtime.lifecycle import CallState
from runtime.models import Approval, DecisionRecord, Event, Run, Tombstone
from tests.journal.conftest import claim, propose

pytestmark = pytest.mark.django_db

OLGA = Actor("person", "olga", frozenset({"operator", "reviewer"}), source="page", address="192.0.2.7")
FROM = {"source": "page", "address": "192.0.2.7"}


def noted(run: Run, kind: EventType) -> dict[str, Any]:
    """The one event of this type."""
    [found] = [event.body for event in Event.objects.of_run(run.run_id) if event.type == kind]
    assert found["timestamp"]
    return found


@pytest.fixture
def run() -> Run:
    """A queued run that olga started."""
    return actions.start_run(OLGA, "list files", agent="direct")


@pytest.fixture
def approval(run: Run) -> Approval:
    """A call of it that waits for a decision."""
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("ls", CallState.WAITING))
    return Approval.objects.get(run=run)


def test_it_says_who_started_a_run(run: Run) -> None:
    assert noted(run, EventType.RUN_CREATED).items() >= {"requested_by": "olga", **FROM}.items()


def test_it_says_who_cancelled_a_run(run: Run) -> None:
    actions.cancel_run(OLGA, run.run_id, "enough")
    said = noted(run, EventType.RUN_CANCEL_REQUESTED)
    assert said.items() >= {"requested_by": "olga", "reason": "enough", **FROM}.items()


def test_it_says_who_retried_a_run(run: Run) -> None:
    actions.cancel_run(OLGA, run.run_id)
    said = noted(actions.retry_run(OLGA, run.run_id), EventType.RUN_CREATED)
    assert said.items() >= {"requested_by": "olga", "retried_from": run.run_id, **FROM}.items()


def test_it_says_who_decided(approval: Approval) -> None:
    actions.decide_approval(OLGA, approval.pk, "reject", approval.digest)
    said = noted(approval.run, EventType.APPROVAL_RESOLVED)
    assert said.items() >= {"decided_by": "olga", **FROM}.items()
    record = DecisionRecord.objects.get()
    assert (record.decided_by, record.source, record.address) == ("olga", "page", "192.0.2.7")


def test_it_says_who_resolved_a_doubt(approval: Approval) -> None:
    actions.decide_approval(OLGA, approval.pk, "approve", approval.digest)
    lease = claim(approval.run)
    with journal.entry(approval.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, approval.tool_call_id), worker="w1")
        journal.doubt(entry, approval.tool_call_id)
    actions.resolve_run(OLGA, approval.run_id, "happened", "it did")
    said = noted(approval.run, EventType.TOOL_RESOLVED)
    assert said.items() >= {"resolved_by": "olga", "outcome": "happened", **FROM}.items()


def test_it_says_who_deleted_a_thread(run: Run) -> None:
    actions.cancel_run(OLGA, run.run_id)
    actions.delete_thread(OLGA, run.thread_id)
    stone = Tombstone.objects.get()
    assert (stone.deleted_by, stone.source, stone.address) == ("olga", "page", "192.0.2.7")
