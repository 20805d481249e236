"""A limit of runs at once, held by several worker processes together."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.product import running, wait_for

WORKSPACE = """
apiVersion: agent-harness/v1alpha1
kind: Agent
metadata: {name: careful}
spec: {max_concurrent_runs: 2}
---
apiVersion: agent-harness/v1alpha1
kind: Models
metadata: {name: slow}
spec: {models: {default: {base_url: "scripted://50ms"}}}
"""


def at_work(api: httpx.Client, run_id: str) -> tuple[str, str]:
    """When the run was claimed and when it ended."""
    events = api.get(f"runs/{run_id}/events").json()["items"]
    [claimed] = [event["timestamp"] for event in events if event["type"] == "run.dequeued"]
    return claimed, events[-1]["timestamp"]


def test_workers_together_carry_no_more_runs_of_an_agent_than_it_may_have(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "ours.yaml").write_text(WORKSPACE)
    with (
        running(tmp_path, "--workers", "3", HARNESS_WORKSPACE=str(workspace)) as product,
        product.client("operator") as api,
    ):
        asked = [{"input": "what is 2 + 3?", "agent": "careful"}] * 8
        runs = [api.post("runs", json=body).json()["run_id"] for body in asked]
        free = api.post("runs", json={"input": "what is 2 + 3?", "agent": "direct"}).json()["run_id"]
        for run_id in [*runs, free]:
            wait_for(api, run_id, "completed")
        spans = [at_work(api, run_id) for run_id in runs]
    # Whenever one was claimed, one other at most was at work.
    crowds = [sum(begin <= claimed < end for begin, end in spans) for claimed, _ in spans]
    assert max(crowds) == 2
    assert spans == sorted(spans), "they went in the order in which they were asked for"
