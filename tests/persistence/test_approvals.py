"""Approvals, decisions and what they leave for the resume."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import IntegrityError, transaction

from runtime import journal
from runtime.lifecycle import CallState
from runtime.models import Approval, DecisionRecord, RecoveryIntent, Run
from tests.api.conftest import Caller, json_of
from tests.journal.test_races import at_once
from tests.persistence.conftest import claim, new_run, propose, verdict

pytestmark = pytest.mark.django_db


def ask(*tools: str) -> list[Approval]:
    """The pending approvals of a run that wants these."""
    run = new_run()
    lease = claim(run)
    assert lease is not None
    propose(run, lease, *((tool, CallState.WAITING) for tool in tools))
    return list(Approval.objects.filter(run=run).in_order())


def test_create_approval__is_a_full_record() -> None:
    [approval] = ask("write_file")
    run = Run.objects.get()
    assert (approval.thread_id, approval.run_id, approval.tool_name) == (
        *(run.thread_id, run.run_id),
        "write_file",
    )
    assert (approval.status, approval.resolved_at) == ("pending", None)
    assert approval.allowed_decisions_json == ["approve", "edit", "reject", "respond"]
    assert approval.input_preview_json == {"path": "a"}
    assert approval.checkpoint_ref == run.checkpoint_ref
    assert len(approval.event_refs_json) == 1
    assert approval.pending_action_id != approval.approval_id
    assert approval.tool_call_id == run.tool_calls.get().pk


def test_get_approval__is_the_record_or_none(reading: Caller) -> None:
    [approval] = ask("write_file")
    found = json_of(reading.get(f"/approvals/{approval.pk}"))
    assert (found["approval_id"], found["arguments"]) == (approval.pk, {"path": "a"})
    assert reading.get("/approvals/missing").status_code == 404


def test_list_approvals__goes_by_time_of_request_then_id(reading: Caller) -> None:
    later, *_ = ask("write_file", "edit_file"), ask("write_file")
    moment = later[0].requested_at
    Approval.objects.exclude(run=later[0].run).update(requested_at=moment)
    Approval.objects.filter(run=later[0].run).update(requested_at=moment.replace(year=moment.year + 1))
    expected = [
        *Approval.objects.filter(requested_at=moment).order_by("approval_id").values_list("pk", flat=True),
        *sorted(approval.pk for approval in later),
    ]
    items = json_of(reading.get("/approvals"))["items"]
    assert [item["approval_id"] for item in items] == expected


def test_get_run_approvals__are_those_of_the_run(reading: Caller) -> None:
    mine = ask("write_file", "edit_file")
    ask("write_file")
    items = json_of(reading.get("/approvals", run=mine[0].run_id))["items"]
    assert [item["approval_id"] for item in items] == [approval.pk for approval in mine]


def test_resolve_approval__sets_status_and_time_and_gives_the_record() -> None:
    [approval] = ask("write_file")
    settled = journal.settle(approval.pk, verdict(approval, "approve"))
    assert (settled.status, settled.pk) == ("approved", approval.pk)
    assert Approval.objects.get().resolved_at is not None


def test_resolve_approval__belongs_to_its_thread_and_run() -> None:
    [approval] = ask("write_file")
    other = new_run()
    for foreign in ({"run_id": other.run_id}, {"thread_id": other.thread_id}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Approval.objects.filter(pk=approval.pk).update(**foreign)
    with pytest.raises(Approval.DoesNotExist):
        journal.settle("missing", verdict(approval, "approve"))


def test_save_recovery_intent__says_how_the_run_goes_on() -> None:
    [approval] = ask("write_file")
    journal.settle(approval.pk, verdict(approval, "reject", reason="not so"))
    intent = RecoveryIntent.objects.get()
    assert (intent.run_id, intent.thread_id) == (approval.run_id, approval.thread_id)
    assert intent.intent_json.keys() == {"kind", "savedAt", "checkpointRef", "resumePayload", "attempts"}
    assert intent.intent_json["kind"] == "approval-decision"


def test_get_recovery_intent__holds_what_was_decided() -> None:
    [approval] = ask("write_file")
    journal.settle(approval.pk, verdict(approval, "edit", arguments={"path": "b"}))
    payload = RecoveryIntent.objects.get(approval=approval).intent_json["resumePayload"]
    assert (payload["approvalId"], payload["decision"]) == (approval.pk, "edit")
    assert payload["arguments"] == {"path": "b"}


def test_clear_recovery_intent__goes_with_the_run() -> None:
    [approval] = ask("write_file")
    journal.settle(approval.pk, verdict(approval, "approve"))
    journal.cancel(approval.run_id, requested_by="olga", source="api", reason="")
    journal.delete_thread(approval.thread_id, deleted_by="olga", source="api")
    assert not RecoveryIntent.objects.exists()


def test_defect_01__one_reviewer_wins_and_the_other_reads_who(reviewing: Caller) -> None:
    [approval] = ask("write_file")
    path = f"/approvals/{approval.pk}/decision"
    assert reviewing.post(path, {"decision": "approve", "digest": approval.digest}).status_code == 200
    refused = json_of(reviewing.post(path, {"decision": "reject", "digest": approval.digest}), 409)
    assert (refused["winner"]["decision"], refused["winner"]["decided_by"]) == ("approve", "bot-reviewer")
    assert Approval.objects.get().status == "approved"


def test_defect_01__who_comes_after_a_cancel_reads_who_cancelled(reviewing: Caller) -> None:
    [approval] = ask("write_file")
    journal.cancel(approval.run_id, requested_by="olga", source="page", reason="")
    body = {"decision": "approve", "digest": approval.digest}
    refused = json_of(reviewing.post(f"/approvals/{approval.pk}/decision", body), 409)
    winner = refused["winner"]
    assert (winner["decision"], winner["decided_by"]) == ("cancelled", "olga")
    assert refused["detail"].startswith("The approval is cancelled already: olga cancelled the run at 2")


@pytest.mark.django_db(transaction=True)
def test_defect_01__one_of_many_at_once_wins() -> None:
    [approval] = ask("write_file")
    verdicts = [verdict(approval, ("approve", "reject")[n % 2], by=f"r{n}") for n in range(8)]
    results = at_once([partial(journal.settle, approval.pk, each) for each in verdicts])
    assert sum(isinstance(result, Approval) for result in results) == 1
    assert sum(isinstance(result, journal.AlreadyDecided) for result in results) == 7


def test_defect_02__a_decision_tells_who_when_why_and_what_was_edited() -> None:
    [approval] = ask("write_file")
    journal.settle(approval.pk, verdict(approval, "edit", reason="tidier", arguments={"path": "b"}))
    row = DecisionRecord.objects.get()
    assert (row.decided_by, row.decision, row.reason, row.source) == ("rene", "edit", "tidier", "api")
    assert (row.arguments_before, row.arguments_after) == ({"path": "a"}, {"path": "b"})
    assert row.digest == approval.digest
    assert row.decided_at == Approval.objects.get().resolved_at
    with pytest.raises(IntegrityError), transaction.atomic():
        DecisionRecord.objects.update(decided_by="somebody else")


def test_defect_12__each_decision_has_its_intent_and_the_last_one_resumes() -> None:
    first, second = ask("write_file", "edit_file")
    journal.settle(second.pk, verdict(second, "reject"))
    assert Run.objects.get().state == "waiting_for_approval"
    journal.settle(first.pk, verdict(first, "approve"))
    assert Run.objects.get().state == "queued"
    decided = {
        i.approval_id: i.intent_json["resumePayload"]["decision"] for i in RecoveryIntent.objects.all()
    }
    assert decided == {first.pk: "approve", second.pk: "reject"}
