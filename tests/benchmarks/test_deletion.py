"""The benchmark `deletion`."""

from __future__ import annotations

from tests.benchmarks.conftest import Benchmark


def test_it_compares_deletions_out_of_few_and_many_events(benchmark: Benchmark) -> None:
    words = ("--few", "300", "--many", "1500", "--events", "200", "--times", "2")
    found = benchmark("deletion", *words)
    assert len(found["figures"]["deletion_ratio"]["rounds"]) == 3
    assert found["figures"]["deletion_of_many"]["value"] > 0
    assert "Out of " in found["text"]


def test_it_refuses_sizes_that_cannot_be_compared(benchmark: Benchmark) -> None:
    assert "must be 100 or more" in benchmark.refused("deletion", "--few", "10")
