"""Benchmarks as a person runs them, in small sizes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runtime.benchmarks import place
from tests.product import MANAGE, environment, migrate


@dataclass
class Benchmark:
    """Runs benchmarks in a data directory."""

    data_dir: Path
    extra: dict[str, str] = field(default_factory=dict)  #: of the environment

    def __call__(self, *words: str) -> dict[str, Any]:
        """The JSON of one with these options."""
        done = self._run(*words)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def refused(self, *words: str) -> str:
        """What one says that does not take these options; in a benchmark's own place, which need not be made
        first."""
        workspace = self.data_dir / "workspace"
        workspace.mkdir()
        (self.data_dir / place.MARK).touch()
        migrate(environment(self.data_dir))
        done = self._run(*words, HARNESS_WORKSPACE=str(workspace))
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        return done.stderr

    def _run(self, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, MANAGE, "benchmark", *words, "--json"],
            env=environment(self.data_dir, **self.extra, **extra),
            capture_output=True,
            text=True,
            timeout=200,
        )


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    """In an empty data directory."""
    return Benchmark(tmp_path)
