"""A benchmark's own processes, each with a data directory and a database of its own: to compare two databases
in one run. They are asked and answer in JSON, a line each way.

Such a process is the same command with `--answer JSON`, whose words go to the benchmark's `answer`: it gives
the first line by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from runtime.benchmarks import place
from runtime.benchmarks.product import MANAGE, die_with_us
from runtime.benchmarks.report import BenchmarkError


def add_argument(parser: ArgumentParser) -> None:
    """For the benchmark that starts them."""
    parser.add_argument("--answer", type=json.loads, help=SUPPRESS)


class Elsewhere:
    """One of them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.first = self._read()

    def ask(self, **question: Any) -> dict[str, Any]:
        """Its answer. Raises BenchmarkError when it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchmarkError("A process of the benchmark ended; its own message is above.")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def opened(name: str, **words: Any) -> Iterator[Elsewhere]:
    """A process of the benchmark `name` that has given its first line; ended at the end of the block."""
    command = [sys.executable, str(MANAGE), "benchmark", name, "--answer", json.dumps(words)]
    with place.made(Path(settings.DATA_DIR), os.environ) as env:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            command,
            cwd=settings.BASE_DIR,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_us,  # noqa: PLW1509  (no thread yet)
        )
        with process:
            try:
                yield Elsewhere(process)
            finally:
                process.kill()


def questions() -> Iterator[dict[str, Any]]:
    """In such a process: what is asked, until nobody asks any more."""
    for line in sys.stdin:
        yield json.loads(line)


def say(**answer: Any) -> None:
    """In such a process: the first line, and one for each question."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
