"""The benchmark `checkpoint_resume`."""

from __future__ import annotations

from tests.benchmarks.conftest import Benchmark


def test_it_compares_lengths_of_transcripts(benchmark: Benchmark) -> None:
    words = ("--sizes", "10,200", "--steps", "4", "--resumes", "2")
    figures = benchmark("checkpoint_resume", *words)["figures"]
    for size in (10, 200):
        assert figures[f"step_commits_at_{size}"]["value"] == 4
        for name in ("step", "step_writes", "resume", "read"):
            assert figures[f"{name}_at_{size}"]["value"] > 0
    assert len(figures["step_200_to_10"]["rounds"]) == 3
    # Bytes do not depend on the machine: what a step adds is stored once, however long the run is.
    assert figures["step_writes_200_to_10"]["value"] < 2
    assert "resume_slope" in figures


def test_it_refuses_sizes_that_cannot_be_compared(benchmark: Benchmark) -> None:
    assert "two or more numbers" in benchmark.refused("checkpoint_resume", "--sizes", "10")
