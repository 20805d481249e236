"""`manage.py up`, ready, with the supervisor that it becomes; ended at the end of the block."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from runtime.benchmarks import place
from runtime.benchmarks.product import MANAGE, START_SECONDS, STOP_SECONDS, die_with_us, wait_until
from runtime.benchmarks.report import BenchmarkError


@contextmanager
def supervised() -> Iterator[None]:
    """Web server and one worker, by the command that people use."""
    path = Path(settings.DATA_DIR) / "up.log"
    with path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [sys.executable, str(MANAGE), "up", "--no-open", "--port", "0"],
            env=place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_us,  # noqa: PLW1509  (what it does is one system call)
        )
    try:
        for _ in wait_until(START_SECONDS, "`up`"):
            words = path.read_text(encoding="utf-8", errors="replace")
            if "\nready: " in f"\n{words}":
                break
            if process.poll() is not None:
                raise BenchmarkError(f"`up` did not come up: {words.strip() or 'it said nothing'}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
