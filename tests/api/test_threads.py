"""`/threads` over HTTP."""

from __future__ import annotations

from runtime import actions
from runtime.models import Approval, Run, ThreadMessage, Tombstone
from tests.api.conftest import BOT, Caller, json_of
from tests.api.test_artifacts import keep


def test_it_shows_a_thread(reading: Caller, done: Run) -> None:
    body = json_of(reading.get(f"/threads/{done.thread_id}"))
    assert body["status"] == "completed"
    assert body["latest_run_id"] == done.run_id
    assert body["entry_agent_id"] == "direct"
    assert body["workspace_id"] == "default"
    assert reading.get("/threads/unknown").status_code == 404


def test_it_lists_the_last_changed_first_in_pages(reading: Caller, run: Run, done: Run) -> None:
    first = json_of(reading.get("/threads", limit=1))
    second = json_of(reading.get("/threads", limit=1, cursor=first["next_cursor"]))
    assert [page["items"][0]["thread_id"] for page in (first, second)] == [done.thread_id, run.thread_id]
    assert second["next_cursor"] is None


class TestMessages:
    def test_it_gives_them_oldest_first(self, reading: Caller, done: Run) -> None:
        items = json_of(reading.get(f"/threads/{done.thread_id}/messages"))["items"]
        assert [item["role"] for item in items] == ["user", "assistant"]
        assert items[0]["content"] == "what is 2 + 3"
        assert items[0]["run_id"] == done.run_id
        assert items[0].keys() >= {"id", "role", "content", "run_id", "created_at"}
        assert isinstance(items[0]["id"], str)

    def test_it_gives_the_newest_12_and_leads_to_earlier_ones(self, reading: Caller, run: Run) -> None:
        for number in range(19):
            ThreadMessage.objects.create(
                thread_id=run.thread_id, run=run, role="user", content_json={"text": f"message {number}"}
            )
        newest = json_of(reading.get(f"/threads/{run.thread_id}/messages"))
        assert [item["content"] for item in newest["items"]] == [f"message {n}" for n in range(7, 19)]
        earlier = json_of(
            reading.get(f"/threads/{run.thread_id}/messages", limit=7, cursor=newest["next_cursor"])
        )
        assert [item["content"] for item in earlier["items"]] == [f"message {n}" for n in range(7)]
        first = json_of(reading.get(f"/threads/{run.thread_id}/messages", cursor=earlier["next_cursor"]))
        assert [item["content"] for item in first["items"]] == ["list files"]
        assert first["next_cursor"] is None

    def test_it_refuses_other_limits(self, reading: Caller, run: Run) -> None:
        for limit in ("-1", "0", "201", "ten", ""):
            assert reading.get(f"/threads/{run.thread_id}/messages", limit=limit).status_code == 422
        assert reading.get("/threads/unknown/messages").status_code == 404

    def test_it_shows_what_a_message_asks_for(self, reading: Caller, approval: object) -> None:
        run = Run.objects.get()
        message = json_of(reading.get(f"/threads/{run.thread_id}/messages"))["items"][-1]
        assert message["tool_calls"][0]["name"] == "write_file"
        assert message["tool_call_id"] is None


def test_it_continues_a_thread(operating: Caller, done: Run) -> None:
    body = {"input": "and 4 + 5", "thread_id": done.thread_id}
    assert json_of(operating.post("/runs", body), 201)["agent_id"] == "direct"
    thread = json_of(operating.get(f"/threads/{done.thread_id}"))
    assert thread["run_count"] == 2
    assert thread["status"] == "queued"
    assert actions.start_run(BOT, "other").thread_id != done.thread_id


class TestDelete:
    def test_it_leaves_nothing_to_be_found(self, operating: Caller, approval: Approval) -> None:
        run, folder = approval.run, approval.thread.folder
        artifact = keep(run)
        assert folder.exists()
        answer = operating.delete(f"/threads/{approval.thread_id}")
        assert (answer.status_code, answer.content) == (204, b"")
        for path in (
            f"/threads/{approval.thread_id}",
            f"/threads/{approval.thread_id}/messages",
            f"/runs/{run.run_id}",
            f"/runs/{run.run_id}/events",
            f"/runs/{run.run_id}/stream",
            f"/runs/{run.run_id}/artifacts",
            f"/artifacts/{artifact.pk}",
            f"/approvals/{approval.pk}",
        ):
            assert operating.get(path).status_code == 404, path
        for path in ("/threads", "/runs", "/approvals"):
            assert json_of(operating.get(path))["items"] == []
        assert not folder.exists()

    def test_twice_is_once(self, operating: Caller, done: Run) -> None:
        assert operating.delete(f"/threads/{done.thread_id}").status_code == 204
        assert operating.delete(f"/threads/{done.thread_id}").status_code == 404
        assert Tombstone.objects.count() == 1

    def test_it_waits_for_what_may_still_act(self, operating: Caller, run: Run) -> None:
        assert json_of(operating.delete(f"/threads/{run.thread_id}"), 409)["state"] == "queued"
        assert operating.get(f"/threads/{run.thread_id}").status_code == 200

    def test_it_keeps_what_is_in_doubt(self, operating: Caller, in_doubt: Run) -> None:
        assert json_of(operating.delete(f"/threads/{in_doubt.thread_id}"), 409)["state"] == "in_doubt"

    def test_it_needs_an_operator_and_the_method(
        self, operating: Caller, reviewing: Caller, done: Run
    ) -> None:
        assert reviewing.delete(f"/threads/{done.thread_id}").status_code == 403
        assert operating.post(f"/threads/{done.thread_id}").status_code == 405
        assert operating.get(f"/threads/{done.thread_id}").status_code == 200

    def test_it_does_not_know_other_threads(self, operating: Caller) -> None:
        assert operating.delete("/threads/unknown").status_code == 404
