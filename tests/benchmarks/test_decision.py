"""The benchmark `decision`."""

from __future__ import annotations

from tests.benchmarks.conftest import Benchmark


def test_it_times_decisions_until_they_are_taken_up(benchmark: Benchmark) -> None:
    figures = benchmark("decision", "--decisions", "3", "--idle", "1")["figures"]
    assert 0 < figures["claimed_p50"]["value"] <= figures["claimed_p95"]["value"]
    assert len(figures["claimed_after_rest"]["rounds"]) == 3
    assert 0 <= figures["worker_at_rest"]["value"] < 100
