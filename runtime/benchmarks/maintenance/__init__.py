"""Maintenance of many old threads while runs go on: how long a decision takes meanwhile, how much memory the
process takes that maintains, how fast it is.

One web server, one worker, a client that approves; `manage.py maintain` makes both passes. A round is a third
of the time that they take; before that comes as much without any maintenance.
"""

from __future__ import annotations

import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from runtime import access
from runtime.benchmarks import place, product
from runtime.benchmarks.counts import count
from runtime.benchmarks.filling.fill import fill
from runtime.benchmarks.product import MANAGE, die_with_us, resident
from runtime.benchmarks.report import ROUNDS, BenchmarkError, Report, percentile
from runtime.benchmarks.runs import MODELS
from runtime.benchmarks.runs.client import Api, play
from runtime.benchmarks.runs.watch import Watch
from runtime.models import MaintenancePass, Thread

NAME = "maintenance"
SUMMARY = "both maintenance passes over old threads while runs go on: decisions, memory, threads a second"
OLD_DAYS = 60  #: more than the policies keep
RUNS = 4  #: at the same time; then the other process is looked at


@dataclass
class Look:
    """What a few runs found."""

    at: float
    decided: list[float]
    memory: int


@dataclass
class Passes:
    """What was seen while both passes were made."""

    looks: list[Look] = field(default_factory=list)
    seconds: float = 0.0

    def rounds(self) -> list[list[Look]]:
        """The looks in equal parts of the time."""
        parts: list[list[Look]] = [[] for _ in range(ROUNDS)]
        for look in self.looks:
            parts[min(ROUNDS - 1, int(look.at / self.seconds * ROUNDS))].append(look)
        return [part for part in parts if part]


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--threads", type=count, default=20_000, help="old threads (20000)")
    parser.add_argument("--rate", type=float, default=5.0, help="runs a second meanwhile (5)")
    parser.add_argument("--before", type=count, default=60, help="runs of a round without maintenance (60)")


def run(options: Namespace) -> Report:
    """See Benchmark."""
    place.configure(Path(settings.DATA_DIR), {"models.yaml": MODELS})
    filled = fill(options.threads, older_days=OLD_DAYS)
    token = access.make_token("benchmark", ["operator", "reviewer"])
    with product.running() as running, Watch() as watch:
        door = Api(running.port, token)
        play(door, watch, RUNS, RUNS)
        before = [_decided(door, watch, options.before, options.rate) for _ in range(ROUNDS)]
        passes = _maintain(door, watch, options.rate)
        running.check()
    report = Report()
    if Thread.objects.filter(updated_at__lt=timezone.now() - timedelta(days=OLD_DAYS)).exists():
        report.failed = "Old threads are still there."
    _fill(report, before, passes)
    report.add("threads_per_second", "/s", [options.threads / passes.seconds])
    report.say(
        f"{filled.events:,} events in {filled.runs:,} threads; {passes.seconds:.0f} s for both passes."
    )
    report.say(*(f"{each.kind}: {each.done_json}" for each in MaintenancePass.objects.order_by("id")))
    return report


def _fill(report: Report, before: list[list[float]], passes: Passes) -> None:
    rounds = passes.rounds()
    decided = [[seconds for look in part for seconds in look.decided] for part in rounds]
    for percent in (50, 99):
        report.add(
            f"decision_p{percent}_without", "ms", (percentile(each, percent) * 1000 for each in before)
        )
        report.add(f"decision_p{percent}", "ms", (percentile(each, percent) * 1000 for each in decided))
    report.add("decision_most", "ms", (max(each) * 1000 for each in decided))
    memory = [percentile((look.memory for look in part), 50) / 1e6 for part in rounds]
    report.add("memory", "MB", memory)
    report.add("memory_growth", "MB", [memory[-1] - memory[0]])


def _maintain(door: Api, watch: Watch, rate: float) -> Passes:
    """Both passes in a process of their own, with runs meanwhile."""
    found = Passes()
    began = time.monotonic()
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, str(MANAGE), "maintain"],
        env=place.environment(),
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_us,  # noqa: PLW1509  (what it does is one system call)
    )
    try:
        for memory in _while_it_runs(process):
            decided = _decided(door, watch, RUNS, rate)
            found.looks.append(Look(time.monotonic() - began, decided, memory))
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise BenchmarkError("`maintain` failed; its own message is above.")
    found.seconds = time.monotonic() - began
    return found


def _while_it_runs(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """The bytes that the process holds, as long as it is there."""
    while process.poll() is None:
        try:
            yield resident(process.pid)
        except (FileNotFoundError, ProcessLookupError, IndexError):
            return


def _decided(door: Api, watch: Watch, runs: int, rate: float) -> list[float]:
    """Seconds that each decision took, by its caller's clock; a few runs at once, so many a second."""
    took: list[float] = []
    while len(took) < runs:
        began = time.monotonic()
        took += [each.decided - each.asked for each in play(door, watch, RUNS, RUNS)]
        time.sleep(max(0.0, began + RUNS / rate - time.monotonic()))
    return took
