"""`/runs` over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from runtime import actions
from runtime.events import iso
from runtime.models import Run, RunRequest, Thread
from tests.api.conftest import BOT, Caller, json_of

FIELDS = {
    "run_id",
    "thread_id",
    "agent_id",
    "execution_mode",
    "adapter_kind",
    "state",
    "previous_state",
    "created_at",
    "updated_at",
    "state_entered_at",
    "resumable",
    "checkpoint_ref",
    "attempts",
    "next_try_at",
    "output",
    "error",
    "usage",
    "diagnosis",
    "diagnosis_cause",
    "diagnosis_act",
    "parent_run_id",
    "retried_from",
    "forked_from",
}


class TestStart:
    def test_it_starts_a_run(self, operating: Caller) -> None:
        answer = operating.post("/runs", {"input": "list files"})
        body = json_of(answer, 201)
        assert body.keys() >= FIELDS
        assert body["state"] == "queued"
        assert body["agent_id"] == "orchestra"
        assert body["requested_by"] == "bot-operator"
        assert body["created_at"].endswith("Z")
        assert answer.headers["Location"] == f"/api/v1/runs/{body['run_id']}"
        assert Run.objects.get().run_id == body["run_id"]

    def test_it_passes_on_everything_that_was_asked(self, operating: Caller, done: Run) -> None:
        body = {
            "input": "and now list files",
            "agent": "direct",
            "thread_id": done.thread_id,
            "invocation": {"context": {"ticket": 7}, "inputs": {}, "attachments": []},
        }
        started = json_of(operating.post("/runs", body), 201)
        assert started["thread_id"] == done.thread_id
        assert started["agent_id"] == "direct"
        request = RunRequest.objects.get(pk=started["run_id"]).request_json
        assert request["invocation"]["context"] == {"ticket": 7}

    def test_it_starts_once_for_one_idempotency_key(self, operating: Caller) -> None:
        key = {"Idempotency-Key": "order-17"}
        first = json_of(operating.post("/runs", {"input": "list files"}, key), 201)
        again = json_of(operating.post("/runs", {"input": "list files"}, key), 201)
        other = json_of(operating.post("/runs", {"input": "something else"}, key), 422)
        assert first["run_id"] == again["run_id"]
        assert "Idempotency-Key" in other["errors"]
        assert Run.objects.count() == 1

    def test_it_keeps_the_keys_of_callers_apart(self, operating: Caller, db: None) -> None:
        from tests.api.conftest import caller_with

        key = {"Idempotency-Key": "order-17"}
        mine = json_of(operating.post("/runs", {"input": "list files"}, key), 201)
        theirs = json_of(caller_with("administrator").post("/runs", {"input": "other"}, key), 201)
        assert mine["run_id"] != theirs["run_id"]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "input"),
            ({"input": ""}, "input"),
            ({"input": "   "}, "input"),
            ({"input": 5}, "input"),
            ({"input": None}, "input"),
            ({"input": "x" * 200_001}, "input"),
            ({"input": "a", "agent": "nobody"}, "agent"),
            ({"input": "a", "agent": ""}, "agent"),
            ({"input": "a", "invocation": {"colour": "red"}}, "invocation.colour"),
            ({"input": "a", "invocation": []}, "invocation"),
            ({"input": "a", "workspace": "x"}, "workspace"),
        ],
    )
    def test_it_names_the_field_that_is_wrong(self, operating: Caller, body: object, field: str) -> None:
        problem = json_of(operating.post("/runs", body), 422)
        assert list(problem["errors"]) == [field]
        assert not Run.objects.exists()

    def test_it_does_not_know_a_deleted_thread(self, operating: Caller) -> None:
        json_of(operating.post("/runs", {"input": "a", "thread_id": "gone"}), 404)

    def test_it_needs_an_operator(self, reading: Caller, reviewing: Caller, nobody: Caller) -> None:
        body = {"input": "list files"}
        assert reading.post("/runs", body).status_code == 403
        assert reviewing.post("/runs", body).status_code == 403
        assert nobody.post("/runs", body).status_code == 401
        assert not Run.objects.exists()


class TestRead:
    def test_it_shows_a_completed_run(self, reading: Caller, done: Run) -> None:
        body = json_of(reading.get(f"/runs/{done.run_id}"))
        assert body["state"] == "completed"
        assert "5" in body["output"]
        assert body["error"] is None
        assert body["usage"]["output_tokens"] >= 0
        assert body["checkpoint_ref"]

    def test_it_shows_null_for_what_is_not_there(self, reading: Caller, run: Run) -> None:
        body = json_of(reading.get(f"/runs/{run.run_id}"))
        nulls = {
            "output",
            "error",
            "next_try_at",
            "parent_run_id",
            "retried_from",
            "forked_from",
        }
        assert all(body[name] is None for name in nulls)

    @pytest.mark.parametrize(
        "run_id", ["unknown", "0", "x" * 64, "x" * 65, "%00", "%F0%9F%92%A9", "a%20b", "%FF"]
    )
    def test_it_does_not_know_other_ids(self, reading: Caller, run_id: str) -> None:
        for path in ("", "/events", "/stream", "/artifacts"):
            assert reading.get(f"/runs/{run_id}{path}").status_code == 404


class TestList:
    def test_it_lists_the_newest_first_in_pages(self, reading: Caller, db: None) -> None:
        made = [actions.start_run(BOT, f"run {number}").run_id for number in range(5)]
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = json_of(reading.get("/runs", limit=2, **cursor))
            seen += [item["run_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == list(reversed(made))

    def test_it_pages_through_runs_of_one_moment(self, reading: Caller, run: Run) -> None:
        for number in range(4):
            actions.start_run(BOT, f"run {number}")
        Run.objects.update(updated_at=run.updated_at)
        first = json_of(reading.get("/runs", limit=3))
        second = json_of(reading.get("/runs", limit=3, cursor=first["next_cursor"]))
        ids = [item["run_id"] for item in first["items"] + second["items"]]
        assert len(set(ids)) == 5
        assert second["next_cursor"] is None

    def test_it_filters(self, reading: Caller, run: Run, done: Run) -> None:
        def ids(**query: str) -> set[str]:
            return {item["run_id"] for item in json_of(reading.get("/runs", **query))["items"]}

        assert ids() == {run.run_id, done.run_id}
        assert ids(state="completed") == {done.run_id}
        assert ids(state="failed") == set()
        assert ids(thread=run.thread_id) == {run.run_id}
        assert ids(thread="unknown") == set()
        assert ids(agent="direct") == {run.run_id, done.run_id}
        assert ids(agent="orchestra") == set()
        assert ids(since=iso(done.updated_at)) == {done.run_id}
        assert ids(until=iso(done.updated_at)) == {run.run_id}
        assert ids(since=iso(done.updated_at + timedelta(seconds=1))) == set()
        assert ids(since="5663-08-02T16:08:06-21:47") == set()  # a zone that PostgreSQL does not know
        assert ids(state="completed", agent="direct", thread=done.thread_id) == {done.run_id}

    def test_its_queries_do_not_grow_with_its_items(
        self, reading: Caller, run: Run, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        reading.get("/runs")  # notes the use of the token
        for number in range(20):
            actions.start_run(BOT, f"run {number}")
        with django_assert_max_num_queries(9):  # type: ignore[attr-defined]
            assert len(json_of(reading.get("/runs"))["items"]) == 21

    def test_it_gives_50_and_at_most_200(self, reading: Caller, db: None) -> None:
        thread = Thread.objects.get(pk=actions.start_run(BOT, "first").thread_id)
        template = Run.objects.get()
        copies = []
        for number in range(204):
            copy = Run.objects.get(pk=template.pk)
            copy.pk, copy.position = f"copy-{number:03}", number + 2
            copies.append(copy)
        Run.objects.bulk_create(copies)
        assert len(json_of(reading.get("/runs", thread=thread.pk))["items"]) == 50
        assert len(json_of(reading.get("/runs", limit=200))["items"]) == 200


class TestCancel:
    def test_it_cancels(self, operating: Caller, run: Run) -> None:
        body = json_of(operating.post(f"/runs/{run.run_id}/cancel", {"reason": "wrong agent"}), 202)
        assert body["state"] == "cancelled"
        assert body["previous_state"] == "queued"

    def test_it_needs_no_body(self, operating: Caller, run: Run) -> None:
        assert json_of(operating.post(f"/runs/{run.run_id}/cancel"), 202)["state"] == "cancelled"

    def test_it_refuses_a_second_time(self, operating: Caller, run: Run) -> None:
        operating.post(f"/runs/{run.run_id}/cancel")
        problem = json_of(operating.post(f"/runs/{run.run_id}/cancel"), 409)
        assert problem["state"] == "cancelled"

    def test_it_needs_an_operator_and_a_post(self, operating: Caller, reviewing: Caller, run: Run) -> None:
        assert reviewing.post(f"/runs/{run.run_id}/cancel").status_code == 403
        answer = operating.get(f"/runs/{run.run_id}/cancel")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "POST"
        run.refresh_from_db()
        assert run.state == "queued"

    def test_it_does_not_know_other_runs(self, operating: Caller) -> None:
        assert operating.post("/runs/unknown/cancel").status_code == 404
