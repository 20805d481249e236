"""`/runs/{run_id}/retry` and `/runs/{run_id}/resolve`: what people do after an end or a crash."""

from __future__ import annotations

import pytest

from runtime.models import Approval, Event, Run
from tests.api.conftest import Caller, json_of

HAPPENED = {"outcome": "happened", "result": "The file is there."}


class TestRetry:
    def test_it_starts_the_same_request_anew_in_the_same_thread(self, operating: Caller, done: Run) -> None:
        answer = operating.post(f"/runs/{done.run_id}/retry")
        body = json_of(answer, 202)
        assert answer.headers["Location"] == f"/api/v1/runs/{body['run_id']}"
        assert body["run_id"] != done.run_id
        assert (body["state"], body["retried_from"]) == ("queued", done.run_id)
        assert (body["thread_id"], body["agent_id"]) == (done.thread_id, done.agent_id)
        first, second = (Run.objects.get(pk=pk).request for pk in (done.run_id, body["run_id"]))
        assert first.request_json["input"] == second.request_json["input"]

    def test_twice_with_one_key_is_once(self, operating: Caller, done: Run) -> None:
        key = {"Idempotency-Key": "again-1"}
        first = json_of(operating.post(f"/runs/{done.run_id}/retry", headers=key), 202)
        second = json_of(operating.post(f"/runs/{done.run_id}/retry", headers=key), 202)
        assert first["run_id"] == second["run_id"]
        assert Run.objects.count() == 2
        operating.post(f"/runs/{first['run_id']}/cancel")
        other = operating.post(f"/runs/{first['run_id']}/retry", headers=key)
        assert "Idempotency-Key" in json_of(other, 422)["errors"]

    def test_it_waits_for_the_end(self, operating: Caller, run: Run) -> None:
        assert json_of(operating.post(f"/runs/{run.run_id}/retry"), 409)["state"] == "queued"
        assert Run.objects.count() == 1

    def test_it_needs_an_operator_and_a_post(self, operating: Caller, reviewing: Caller, done: Run) -> None:
        assert reviewing.post(f"/runs/{done.run_id}/retry").status_code == 403
        answer = operating.get(f"/runs/{done.run_id}/retry")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert Run.objects.count() == 1

    def test_it_does_not_know_other_runs(self, operating: Caller) -> None:
        assert operating.post("/runs/unknown/retry").status_code == 404


class TestResolve:
    def test_it_takes_what_happened_as_the_result(self, operating: Caller, in_doubt: Run) -> None:
        body = json_of(operating.post(f"/runs/{in_doubt.run_id}/resolve", HAPPENED), 202)
        assert (body["state"], body["previous_state"]) == ("queued", "in_doubt")
        [call] = in_doubt.tool_calls.all()
        assert (call.state, call.result) == ("completed", "The file is there.")
        kinds = [event.type for event in Event.objects.of_run(in_doubt.run_id)]
        assert "tool.completed" in kinds

    @pytest.mark.parametrize("body", [{"result": ""}, {"result": None}, {}])
    def test_it_needs_no_words(self, operating: Caller, in_doubt: Run, body: dict[str, str | None]) -> None:
        sent = {"outcome": "happened", **body}
        assert json_of(operating.post(f"/runs/{in_doubt.run_id}/resolve", sent), 202)["state"] == "queued"
        assert in_doubt.tool_calls.get().result == ""

    def test_it_asks_again_for_what_did_not_happen(self, operating: Caller, in_doubt: Run) -> None:
        path = f"/runs/{in_doubt.run_id}/resolve"
        body = json_of(operating.post(path, {"outcome": "did_not_happen"}), 202)
        assert body["state"] == "waiting_for_approval"
        assert Approval.objects.pending().filter(run=in_doubt).count() == 1

    def test_twice_is_once(self, operating: Caller, in_doubt: Run) -> None:
        operating.post(f"/runs/{in_doubt.run_id}/resolve", HAPPENED)
        events = Event.objects.count()
        again = operating.post(f"/runs/{in_doubt.run_id}/resolve", {"outcome": "did_not_happen"})
        assert json_of(again, 409)["state"] == "queued"
        assert Event.objects.count() == events

    def test_it_refuses_a_run_that_is_not_in_doubt(self, operating: Caller, run: Run) -> None:
        assert operating.post(f"/runs/{run.run_id}/resolve", HAPPENED).status_code == 409

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "outcome"),
            ({"outcome": "maybe"}, "outcome"),
            ({"outcome": "did_not_happen", "result": "no"}, "result"),
            ({"outcome": "happened", "result": 7}, "result"),
            ({"outcome": "happened", "why": ""}, "why"),
        ],
    )
    def test_it_names_the_field_that_is_wrong(
        self, operating: Caller, in_doubt: Run, body: dict[str, object], field: str
    ) -> None:
        problem = json_of(operating.post(f"/runs/{in_doubt.run_id}/resolve", body), 422)
        assert field in problem["errors"]
        in_doubt.refresh_from_db()
        assert in_doubt.state == "in_doubt"

    def test_it_needs_an_operator_and_a_post(
        self, operating: Caller, reviewing: Caller, in_doubt: Run
    ) -> None:
        path = f"/runs/{in_doubt.run_id}/resolve"
        assert reviewing.post(path, HAPPENED).status_code == 403
        answer = operating.get(path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        in_doubt.refresh_from_db()
        assert in_doubt.state == "in_doubt"

    def test_it_does_not_know_other_runs(self, operating: Caller) -> None:
        assert operating.post("/runs/unknown/resolve", HAPPENED).status_code == 404
