"""`/threads` over HTTP."""

from __future__ import annotations

from runtime import actions
from runtime.models import Run, ThreadMessage
from tests.api.conftest import BOT, Caller, json_of


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
