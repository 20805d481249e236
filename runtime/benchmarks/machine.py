"""What a figure was measured on: processor, versions, load, how long the disk takes to keep a write, and how
long this Python takes for a fixed loop: two builds of one version differ by a third, two machines by more."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection

from runtime.benchmarks.report import percentile

SYNCS = 100
LOOPS, TURNS = 5, 100_000
BLOCK = b"\0" * 4096


@dataclass
class Machine:
    """Filled in before the benchmark; `load_after` after it. Loads are of the last minute."""

    cores: int
    processor: str
    python: str
    django: str
    database: str
    load_before: float
    load_after: float
    fdatasync_p50_ms: float
    python_loop_ms: float  #: the quickest of a few

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        return (
            f"{self.cores} cores of {self.processor}; Python {self.python}, Django {self.django}, "
            f"{self.database}; load {self.load_before:.2f} before, {self.load_after:.2f} after; "
            f"fdatasync p50 {self.fdatasync_p50_ms:.2f} ms; "
            f"{TURNS:,} turns of a Python loop {self.python_loop_ms:.0f} ms"
        )


def look() -> Machine:
    """The machine as it is now."""
    load = os.getloadavg()[0]
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        python=platform.python_version(),
        django=django.get_version(),
        database=_database(),
        load_before=load,
        load_after=load,
        fdatasync_p50_ms=fdatasync_p50(Path(settings.DATA_DIR)) * 1000,
        python_loop_ms=min(python_loop() for _ in range(LOOPS)) * 1000,
    )


def fdatasync_p50(directory: Path) -> float:
    """Seconds that an appended block takes to be on the disk, the middle of a hundred."""
    path = directory / "fdatasync"
    took = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        for _ in range(SYNCS):
            os.write(descriptor, BLOCK)
            began = time.perf_counter()
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        path.unlink()
    return percentile(took, 50)


def python_loop() -> float:
    """Seconds of processor time for a fixed number of calls, texts and dictionary entries."""
    began, kept = time.process_time(), dict[int, str]()
    for turn in range(TURNS):
        kept[turn % 1000] = str(turn) + ".".join(("a", "b"))
    return time.process_time() - began


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _database() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            return f"SQLite {cursor.fetchone()[0]}"
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"
