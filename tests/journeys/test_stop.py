"""Ending and losing processes in the middle of the work: nothing acknowledged is lost, runs go on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.product import Product, alive, call, running, script, wait_for

LONG = script({"text": "word " * 120})
IMPATIENT = {"HARNESS_LEASE_SECONDS": "1", "HARNESS_SWEEP_SECONDS": "0.5"}


def worker_of(product: Product) -> psutil.Process:
    children = psutil.Process(product.process.pid).children(recursive=True)
    return next(child for child in children if "run_huey" in child.cmdline())


def wait_for_text(api: httpx.Client, run_id: str) -> None:
    """Until the first streamed text is there."""
    with api.stream("GET", f"runs/{run_id}/stream") as stream:
        for line in stream.iter_lines():
            if line == "event: output.delta":
                return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_time_and_the_run_goes_on_after_the_next_start(tmp_path: Path, number: int) -> None:
    with running(tmp_path) as product, product.client("operator") as api:
        run_id = api.post("runs", json={"input": LONG}).json()["run_id"]
        wait_for_text(api, run_id)
        tree = [
            product.process.pid,
            *(p.pid for p in psutil.Process(product.process.pid).children(recursive=True)),
        ]
        assert product.stop(number) < 10
        assert not any(alive(pid) for pid in tree)
        assert "Traceback" not in (tmp_path / "errors.log").read_text()
    with running(tmp_path) as product, product.client("viewer") as api:
        run = wait_for(api, run_id, "completed")
        assert run["output"] == "word " * 120
        events = api.get(f"runs/{run_id}/events", params={"limit": 200}).json()["items"]
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        reasons = [event["reason"] for event in events if event["type"] == "run.queued"]
        assert "the worker is stopping" in reasons


def test_it_recovers_a_run_whose_worker_was_killed(tmp_path: Path) -> None:
    with running(tmp_path, **IMPATIENT) as product, product.client("operator") as api:
        run_id = api.post("runs", json={"input": LONG}).json()["run_id"]
        wait_for_text(api, run_id)
        worker_of(product).kill()
        assert wait_for(api, run_id, "completed")["output"] == "word " * 120
        events = api.get(f"runs/{run_id}/events", params={"limit": 200}).json()["items"]
        assert "run.recovered" in {event["type"] for event in events}


def test_it_need_not_wait_for_the_lease_when_the_supervisor_saw_the_worker_die(tmp_path: Path) -> None:
    with running(tmp_path, HARNESS_LEASE_SECONDS="600") as product, product.client("operator") as api:
        run_id = api.post("runs", json={"input": LONG}).json()["run_id"]
        wait_for_text(api, run_id)
        worker_of(product).kill()
        assert wait_for(api, run_id, "completed")["output"] == "word " * 120
        events = api.get(f"runs/{run_id}/events", params={"limit": 200, "type": "run.recovered"}).json()[
            "items"
        ]
        assert [event["reason"] for event in events] == ["the supervisor saw its worker die"]


def test_it_loses_no_decision_when_everything_is_killed_right_after_it(tmp_path: Path) -> None:
    text = script({"tool_calls": [call("write_file", path="a", content="x")]}, {"text": "done"})
    with running(tmp_path, **IMPATIENT) as product, product.client("operator", "reviewer") as api:
        run_id = api.post("runs", json={"input": text}).json()["run_id"]
        wait_for(api, run_id, "waiting_for_approval")
        [approval] = api.get("approvals", params={"run": run_id}).json()["items"]
        url = f"approvals/{approval['approval_id']}/decision"
        decided = api.post(url, json={"decision": "approve", "digest": approval["digest"]})
        os.killpg(product.process.pid, signal.SIGKILL)
        assert decided.status_code == 200
    with running(tmp_path, **IMPATIENT) as product, product.client("viewer") as api:
        wait_for(api, run_id, "completed")


def test_it_needs_no_queue(tmp_path: Path) -> None:
    with running(tmp_path, **IMPATIENT) as product, product.client("operator") as api:
        for file in tmp_path.glob("queue.sqlite*"):
            file.unlink()
        run_id = api.post("runs", json={"input": script({"text": "fine"})}).json()["run_id"]
        wait_for(api, run_id, "completed")
