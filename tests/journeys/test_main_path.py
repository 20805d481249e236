"""Start a run, decide its tool calls, see it finish: through HTTP, with the real processes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.product import Product, call, script, wait_for

WRITE = script(
    {"text": "I will write it.", "tool_calls": [call("write_file", path="notes/a.txt", content="héllo\n")]},
    {"text": "It is written."},
)


def start(api: httpx.Client, text: str, **body: Any) -> str:
    answer = api.post("runs", json={"input": text, **body})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["run_id"])


def pending(api: httpx.Client, run_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("approvals", params={"status": "pending", "run": run_id}).json()[
        "items"
    ]
    return found


def decide(api: httpx.Client, approval: dict[str, Any], decision: str, **more: Any) -> httpx.Response:
    body = {"decision": decision, "digest": approval["digest"], **more}
    return api.post(f"approvals/{approval['approval_id']}/decision", json=body)


def test_it_takes_a_run_from_start_to_approval_to_the_end(product: Product, api: httpx.Client) -> None:
    run_id = start(api, WRITE)
    waiting = wait_for(api, run_id, "waiting_for_approval")
    assert waiting["resumable"] is True
    [approval] = pending(api, run_id)
    assert approval["arguments"] == {"path": "notes/a.txt", "content": "héllo\n"}
    assert decide(api, approval, "approve").status_code == 200
    run = wait_for(api, run_id, "completed")
    assert run["output"] == "It is written."
    file = product.data_dir / "threads" / run["thread_id"] / "files" / "notes" / "a.txt"
    assert file.read_text() == "héllo\n"


def test_it_shows_a_plan_and_an_approval_for_a_plain_request(api: httpx.Client) -> None:
    run_id = start(api, "plan a greeting and write hello to hello.txt", agent="orchestra")
    wait_for(api, run_id, "waiting_for_approval")
    events = api.get(f"runs/{run_id}/events", params={"limit": 200}).json()["items"]
    assert "write_todos" in {event.get("tool_name") for event in events}
    [approval] = pending(api, run_id)
    decide(api, approval, "reject", reason="not today")
    run = wait_for(api, run_id, "completed")
    assert "not today" in run["output"]


def test_it_gives_one_winner_and_tells_the_other_who(api: httpx.Client) -> None:
    run_id = start(api, WRITE)
    wait_for(api, run_id, "waiting_for_approval")
    [approval] = pending(api, run_id)
    assert decide(api, approval, "reject", reason="no").status_code == 200
    lost = decide(api, approval, "approve")
    assert lost.status_code == 409
    assert lost.headers["content-type"].startswith("application/problem+json")
    assert "reject" in lost.json()["detail"]
    wait_for(api, run_id, "completed")


def test_it_streams_every_event_once_and_ends_with_the_run(api: httpx.Client) -> None:
    run_id = start(api, script({"text": "one two three four five six seven eight nine ten"}))
    sequences, text, last = [], "", ""
    with api.stream("GET", f"runs/{run_id}/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("id: "):
                sequences.append(int(line[4:]))
            if line.startswith("data: "):
                event = json.loads(line[6:])
                last = event["type"]
                text += event.get("text", "")
    assert sequences == list(range(1, len(sequences) + 1))
    assert text == "one two three four five six seven eight nine ten"
    assert last == "run.state.changed"


def test_it_resumes_a_stream_where_it_was_cut(api: httpx.Client) -> None:
    run_id = start(api, script({"text": "short"}))
    wait_for(api, run_id, "completed")
    everything = api.get(f"runs/{run_id}/stream").text
    rest = api.get(f"runs/{run_id}/stream", headers={"Last-Event-ID": "3"}).text
    assert "id: 1\n" in everything
    assert "id: 3\n" not in rest
    assert rest.endswith(everything.split("id: 4\n")[1])


def test_it_runs_a_thread_one_by_one_and_takes_a_message_while_one_waits(api: httpx.Client) -> None:
    first = start(api, WRITE)
    thread = wait_for(api, first, "waiting_for_approval")["thread_id"]
    second = start(api, script({"text": "second"}), thread_id=thread)
    assert api.get(f"runs/{second}").json()["state"] == "queued"
    [approval] = pending(api, first)
    decide(api, approval, "approve")
    wait_for(api, first, "completed")
    assert wait_for(api, second, "completed")["output"] == "second"
    roles = [message["role"] for message in api.get(f"threads/{thread}/messages").json()["items"]]
    assert roles.count("user") == 2


@pytest.mark.parametrize("when", ["waiting", "streaming"])
def test_it_cancels_a_run_and_nothing_starts_afterwards(api: httpx.Client, when: str) -> None:
    text = WRITE if when == "waiting" else script({"text": "word " * 2000})
    run_id = start(api, text)
    wait_for(api, run_id, "waiting_for_approval" if when == "waiting" else "running")
    answer = api.post(f"runs/{run_id}/cancel", json={"reason": "enough"})
    assert answer.status_code == 202
    assert answer.json()["state"] == "cancelled"
    assert api.post(f"runs/{run_id}/cancel").status_code == 409
    events = api.get(f"runs/{run_id}/events", params={"limit": 200}).json()["items"]
    assert events[-1]["to"] == "cancelled"
    assert "tool.started" not in {event["type"] for event in events}


def test_it_answers_the_same_request_with_the_same_run(api: httpx.Client) -> None:
    body = {"input": script({"text": "once"})}
    one = api.post("runs", json=body, headers={"Idempotency-Key": "k-1"})
    two = api.post("runs", json=body, headers={"Idempotency-Key": "k-1"})
    assert one.json()["run_id"] == two.json()["run_id"]
    other = api.post("runs", json={"input": "else"}, headers={"Idempotency-Key": "k-1"})
    assert other.status_code == 422
