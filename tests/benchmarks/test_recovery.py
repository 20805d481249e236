"""The benchmark `recovery`."""

from __future__ import annotations

from tests.benchmarks.conftest import Benchmark


def test_it_times_the_way_back_with_and_without_a_supervisor(benchmark: Benchmark) -> None:
    words = ("--runs", "2", "--rounds", "1", "--lease", "2", "--sweep", "1")
    figures = {name: each["value"] for name, each in benchmark("recovery", *words)["figures"].items()}
    # The supervised installation has its lease of half a minute: it cannot have waited for that.
    assert 0 < figures["supervised_p50"] <= figures["supervised_p95"] <= figures["supervised_longest"] < 30
    assert figures["supervised_runs"] == figures["supervised, “the supervisor saw its worker die”"] == 2
    assert 1 < figures["alone_p50"] <= figures["alone_p95"] <= figures["alone_longest"] < 30
    assert 1 <= figures["alone_runs"] == figures["alone, “the worker's lease ran out”"]
