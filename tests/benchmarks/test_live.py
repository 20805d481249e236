"""The benchmark `live`."""

from __future__ import annotations

from tests.benchmarks.conftest import Benchmark


def test_it_counts_what_watchers_miss(benchmark: Benchmark) -> None:
    sizes = ("--watchers", "60", "--runs", "3", "--many", "80")
    words = (*sizes, "--rounds", "2", "--seconds", "0.5")
    figures = benchmark("live", *words)["figures"]
    scenes = ("", "of_many_runs_", "of_one_run_")
    for scene in (*scenes, *(f"page_{name}" for name in scenes)):
        for name in ("lost", "twice", "closed"):
            assert figures[f"{scene}{name}"]["rounds"] == [0, 0]
        assert 0 < figures[f"{scene}delay_p50"]["value"] <= figures[f"{scene}delay_p99"]["value"]
        # The threads that answer requests stay, each with its connection; streams hold none.
        assert figures[f"{scene}more_threads"]["value"] < 40
        assert figures[f"{scene}more_connections"]["value"] < 40
        assert f"{scene}memory_per_watcher" in figures
