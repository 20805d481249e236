"""The benchmark `events`."""

from __future__ import annotations

from tests.benchmarks.conftest import Benchmark


def test_it_appends_and_reads_back(benchmark: Benchmark) -> None:
    words = ("--batches", "1,20", "--histories", "50,1500", "--seconds", "0.2")
    figures = benchmark("events", *words)["figures"]
    for history in (50, 1500):
        for name in ("append_1_after", "append_20_after", "read", "replay"):
            rounds = figures[f"{name}_{history}"]["rounds"]
            assert len(rounds) == 3
            assert min(rounds) > 0
    # What a commit costs beside its events is shared by all of them.
    assert figures["logged_20"]["value"] < figures["logged_1"]["value"]


def test_it_refuses_what_is_no_number(benchmark: Benchmark) -> None:
    assert "takes numbers" in benchmark.refused("events", "--batches", "many")
