"""The benchmark `maintenance`."""

from __future__ import annotations

from tests.benchmarks.conftest import Benchmark


def test_it_times_decisions_while_old_threads_go(benchmark: Benchmark) -> None:
    found = benchmark("maintenance", "--threads", "60", "--before", "8")
    figures = found["figures"]
    assert 0 < figures["decision_p50"]["value"] <= figures["decision_p99"]["value"]
    assert figures["memory"]["value"] > 10
    assert figures["threads_per_second"]["value"] > 0
    assert "'threads': 60" in found["text"]  # what is new stays
