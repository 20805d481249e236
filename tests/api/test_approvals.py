"""`/approvals` over HTTP: read, decide, lose the race."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction

from runtime import actions, tools
from runtime.models import Approval, DecisionRecord, Run, ThreadMessage
from runtime.models.patience import waiting_at_most
from tests.api.conftest import BOT, Caller, caller_with, json_of

Advance = Callable[[Run], Run]


@pytest.fixture
def irreversible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing takes back what `write_file` does."""
    changed = [replace(tool, irreversible=tool.name == "write_file") for tool in tools.BUILT_IN]
    monkeypatch.setattr(tools, "BUILT_IN", tuple(changed))


def decision(approval: Approval, **values: Any) -> dict[str, Any]:
    """An approving body for this approval, changed by `values`; None leaves a field out."""
    body = {"decision": "approve", "digest": approval.digest, **values}
    return {name: value for name, value in body.items() if value is not None}


class TestRead:
    def test_it_shows_what_is_asked(self, reading: Caller, approval: Approval) -> None:
        body = json_of(reading.get(f"/approvals/{approval.pk}"))
        assert body["status"] == "pending"
        assert body["tool_name"] == "write_file"
        assert body["arguments"]["path"] == "notes.txt"
        assert body["arguments_schema"]["properties"]["path"]
        assert body["digest"] == approval.digest
        assert set(body["allowed_decisions"]) == {"approve", "edit", "reject", "respond"}
        assert body["rule"]
        assert body["expires_at"] is None
        assert body["decisions"] == []
        assert reading.get("/approvals/unknown").status_code == 404

    def test_it_filters(
        self, reading: Caller, reviewing: Caller, approval: Approval, advance: Advance
    ) -> None:
        other = Approval.objects.get(run=advance(actions.start_run(BOT, "write a to b.txt", agent="direct")))
        reviewing.post(f"/approvals/{other.pk}/decision", decision(other, decision="reject", reason="no"))

        def ids(**query: str) -> list[str]:
            return [item["approval_id"] for item in json_of(reading.get("/approvals", **query))["items"]]

        assert ids() == [approval.pk, other.pk]
        assert ids(status="pending") == [approval.pk]
        assert ids(status="rejected") == [other.pk]
        assert ids(run=other.run_id) == [other.pk]
        assert ids(thread=approval.thread_id) == [approval.pk]
        assert ids(tool="write_file") == [approval.pk, other.pk]
        assert ids(tool="execute") == []
        assert ids(agent="direct", status="pending") == [approval.pk]
        assert ids(agent="orchestra") == []

    def test_it_pages_oldest_first(
        self, reading: Caller, approval: Approval, advance: Advance, django_assert_max_num_queries: Any
    ) -> None:
        other = Approval.objects.get(run=advance(actions.start_run(BOT, "write a to b.txt", agent="direct")))
        first = json_of(reading.get("/approvals", limit=1))
        second = json_of(reading.get("/approvals", limit=1, cursor=first["next_cursor"]))
        assert [page["items"][0]["approval_id"] for page in (first, second)] == [approval.pk, other.pk]
        with django_assert_max_num_queries(4):
            reading.get("/approvals")


class TestDecide:
    def test_it_approves_and_the_run_goes_on(
        self, reviewing: Caller, approval: Approval, advance: Advance
    ) -> None:
        body = json_of(reviewing.post(f"/approvals/{approval.pk}/decision", decision(approval)))
        assert body["status"] == "approved"
        made = body["decisions"][0]
        assert made["decision"] == "approve"
        assert made["decided_by"] == "bot-reviewer"
        assert made["source"] == "api"
        assert made["arguments_before"] == made["arguments_after"] == body["arguments"]
        run = Run.objects.get()
        assert run.state == "queued"
        assert advance(run).state == "completed"

    def test_it_runs_what_the_reviewer_made_of_it(
        self, reviewing: Caller, approval: Approval, advance: Advance
    ) -> None:
        edited = {"path": "edited.txt", "content": "by a person"}
        body = decision(approval, decision="edit", arguments=edited)
        answer = json_of(reviewing.post(f"/approvals/{approval.pk}/decision", body))
        assert answer["status"] == "edited"
        assert answer["decisions"][0]["arguments_after"] == edited
        assert answer["decisions"][0]["arguments_before"] == answer["arguments"]
        run = advance(Run.objects.get())
        assert (run.thread.folder / "files" / "edited.txt").read_text() == "by a person"

    def test_it_tells_the_model_why_not(
        self, reviewing: Caller, approval: Approval, advance: Advance
    ) -> None:
        reason = "Not there — put it below drafts/"
        body = decision(approval, decision="reject", reason=reason)
        assert json_of(reviewing.post(f"/approvals/{approval.pk}/decision", body))["status"] == "rejected"
        advance(Run.objects.get())
        tool = ThreadMessage.objects.filter(role="tool").get()
        assert reason in tool.text

    def test_it_answers_for_the_tool(self, reviewing: Caller, approval: Approval, advance: Advance) -> None:
        body = decision(approval, decision="respond", content="It is written already.")
        answer = json_of(reviewing.post(f"/approvals/{approval.pk}/decision", body))
        assert answer["status"] == "responded"
        assert answer["decisions"][0]["content"] == "It is written already."
        run = advance(Run.objects.get())
        assert ThreadMessage.objects.filter(role="tool").get().text == "It is written already."
        assert not (run.thread.folder / "files" / "notes.txt").exists()

    def test_it_has_one_winner(self, reviewing: Caller, approval: Approval) -> None:
        path = f"/approvals/{approval.pk}/decision"
        late = caller_with("administrator")
        json_of(reviewing.post(path, decision(approval, decision="reject", reason="no")))
        problem = json_of(late.post(path, decision(approval)), 409)
        assert problem["winner"]["decided_by"] == "bot-reviewer"
        assert problem["winner"]["decision"] == "reject"
        assert problem["winner"]["decided_at"].endswith("Z")
        assert "bot-reviewer" in problem["detail"]
        assert DecisionRecord.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "status", "field"),
        [
            ({"digest": None}, 422, "digest"),
            ({"digest": ""}, 422, "digest"),
            ({"digest": 7}, 422, "digest"),
            ({"digest": "0" * 64}, 409, None),
            ({"decision": None}, 422, "decision"),
            ({"decision": "maybe"}, 422, "decision"),
            ({"decision": "APPROVE"}, 422, "decision"),
            ({"decision": "edit"}, 422, "arguments"),
            ({"decision": "edit", "arguments": {"path": 5}}, 422, "arguments"),
            ({"decision": "edit", "arguments": {"path": "a", "content": "b", "mode": "x"}}, 422, "arguments"),
            ({"decision": "edit", "arguments": "path"}, 422, "arguments"),
            ({"arguments": {"path": "a", "content": "b"}}, 422, "arguments"),
            ({"content": "hello"}, 422, "content"),
            ({"decision": "respond"}, 422, "content"),
            ({"tool": "execute"}, 422, "tool"),
            ({"reason": "x" * 30_000}, 422, "reason"),
        ],
    )
    def test_it_changes_nothing_by_a_bad_decision(
        self, reviewing: Caller, approval: Approval, changes: dict[str, Any], status: int, field: str | None
    ) -> None:
        answer = reviewing.post(f"/approvals/{approval.pk}/decision", decision(approval, **changes))
        problem = json_of(answer, status)
        assert field is None or field in problem["errors"]
        approval.refresh_from_db()
        assert approval.status == "pending"
        assert not DecisionRecord.objects.exists()

    def test_it_needs_a_reviewer(
        self, reading: Caller, operating: Caller, nobody: Caller, approval: Approval
    ) -> None:
        path = f"/approvals/{approval.pk}/decision"
        assert reading.post(path, decision(approval)).status_code == 403
        assert operating.post(path, decision(approval)).status_code == 403
        assert nobody.post(path, decision(approval)).status_code == 401
        assert reading.get(path).status_code == 405
        assert not DecisionRecord.objects.exists()

    def test_it_does_not_know_other_approvals(self, reviewing: Caller, approval: Approval) -> None:
        assert reviewing.post("/approvals/unknown/decision", decision(approval)).status_code == 404


class TestDecideMany:
    def test_it_decides_each_on_its_own(
        self, reviewing: Caller, approval: Approval, advance: Advance
    ) -> None:
        other = Approval.objects.get(run=advance(actions.start_run(BOT, "write a to b.txt", agent="direct")))
        items: list[Any] = [
            {"approval_id": approval.pk, **decision(approval)},
            {"approval_id": approval.pk, **decision(approval, decision="reject", reason="late")},
            {"approval_id": "unknown", **decision(approval)},
            {"approval_id": other.pk, **decision(other, digest=None)},
            {"approval_id": other.pk, **decision(other, digest="0" * 64)},
            {"decision": "approve"},
            {"approval_id": other.pk, **decision(other, decision="reject", reason="no")},
        ]
        results = json_of(reviewing.post("/approvals/decisions", {"items": items}))["items"]
        assert [result["status"] for result in results] == [200, 409, 404, 422, 409, 422, 200]
        assert results[0] == {"approval_id": approval.pk, "status": 200, "detail": None}
        assert all(result["detail"] for result in results if result["status"] != 200)
        assert set(Approval.objects.values_list("status", flat=True)) == {"approved", "rejected"}

    @pytest.mark.parametrize("verdict", ["approve", "edit"])
    def test_it_lets_nothing_irreversible_run(
        self, reviewing: Caller, approval: Approval, advance: Advance, verdict: str, irreversible: None
    ) -> None:
        other = Approval.objects.get(run=advance(actions.start_run(BOT, "write a to b.txt", agent="direct")))
        changed = {"arguments": {"path": "c.txt", "content": ""}} if verdict == "edit" else {}
        items = [
            {"approval_id": approval.pk, **decision(approval, decision=verdict, **changed)},
            {"approval_id": other.pk, **decision(other, decision="reject", reason="no")},
        ]
        results = json_of(reviewing.post("/approvals/decisions", {"items": items}))["items"]
        assert [result["status"] for result in results] == [422, 200]
        assert results[0]["detail"] == (
            "This call cannot be undone: approve it by itself, not together with others."
        )
        approval.refresh_from_db()
        assert approval.status == "pending"
        alone = decision(approval, decision=verdict, **changed)
        assert reviewing.post(f"/approvals/{approval.pk}/decision", alone).status_code == 200

    @pytest.mark.parametrize(
        "body", [{}, {"items": []}, {"items": {}}, {"items": ["x"]}, [], {"items": [{}] * 201}]
    )
    def test_it_refuses_another_shape(self, reviewing: Caller, db: None, body: Any) -> None:
        assert reviewing.post("/approvals/decisions", body).status_code == 422

    def test_it_needs_a_reviewer(self, operating: Caller) -> None:
        assert operating.post("/approvals/decisions", {"items": [{}]}).status_code == 403


class TestOutage:
    @pytest.mark.django_db(transaction=True)
    def test_it_says_which_of_many_stand_when_the_records_go_away(self, advance: Advance) -> None:
        calls = [{"name": "write_file", "arguments": {"path": f"{n}.txt", "content": ""}} for n in range(60)]
        text = "script:" + json.dumps([{"tool_calls": calls}, {"text": "x"}])
        advance(actions.start_run(BOT, text, agent="direct"))
        asked = list(Approval.objects.in_order())
        items = [{"approval_id": each.pk, **decision(each)} for each in asked]
        caller = caller_with("reviewer")
        begun, over = threading.Event(), threading.Event()
        locker = threading.Thread(target=lock_later_ones, args=[asked[5].pk, begun, over])
        locker.start()
        assert begun.wait(30)
        if connection.vendor == "postgresql":
            connection.cursor().execute("SET lock_timeout = '500ms'")  # the tests' own wait for ever
        try:
            with waiting_at_most(0.3):
                results = json_of(caller.post("/approvals/decisions", {"items": items}))["items"]
        finally:
            over.set()
            locker.join(30)
        statuses = [result["status"] for result in results]
        stood = statuses.count(200)
        assert 0 < stood < len(items)
        assert statuses == [200] * stood + [503] * (len(items) - stood)
        found = [Approval.objects.get(pk=each.pk).status for each in asked]
        assert found == ["approved"] * stood + ["pending"] * (len(items) - stood)


def lock_later_ones(approval_id: str, begun: threading.Event, over: threading.Event) -> None:
    """Keeps everybody from deciding this approval; on SQLite any, as soon as one is decided."""
    try:
        if connection.vendor == "sqlite":
            begun.set()
            while not DecisionRecord.objects.exists():
                time.sleep(0.001)
        with transaction.atomic():
            Approval.objects.select_for_update().get(pk=approval_id)
            begun.set()
            over.wait(60)
    finally:
        connection.close()
