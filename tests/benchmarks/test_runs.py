"""The benchmark `runs`."""

from __future__ import annotations

import pytest

from tests.benchmarks.conftest import Benchmark


@pytest.mark.parametrize("by", ["api", "actions"])
def test_it_counts_approved_runs(benchmark: Benchmark, by: str) -> None:
    found = benchmark("runs", "--runs", "6", "--rounds", "3", "--in-flight", "2", "--by", by)
    figures = found["figures"]
    assert len(figures["runs_per_second"]["rounds"]) == 3
    assert figures["events_per_run"]["value"] == 16
    for name in ("web_cpu_per_run", "worker_cpu_per_run", "client_cpu_per_run", "cores_busy"):
        assert figures[name]["value"] >= 0
    for name in ("start_to_asked", "decision_to_tool_started", "decision_to_completed"):
        assert 0 < figures[f"{name}_p50"]["value"] <= figures[f"{name}_p95"]["value"]
    assert 4 <= figures["commits_per_run"]["value"] <= 30
    assert "run.queued → run.dequeued" in found["text"]
