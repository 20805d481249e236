"""How soon runs go on whose worker was killed, first under the product's own supervisor, then without any.

Runs in the middle of model calls and of tools; SIGKILL to the worker that holds them. They go on with the
first event after the one that says that they were recovered. With the supervisor of `up`, which sees its
child die, everything is the product's default; a fresh one for each round, because one whose child dies again
and again waits longer each time. Without one, the web server and two workers are commands of their own, and
the other worker has to find out by the lease.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from functools import partial
from itertools import chain
from pathlib import Path

from django.conf import settings

from runtime.benchmarks import place
from runtime.benchmarks.counts import count
from runtime.benchmarks.product import MANAGE
from runtime.benchmarks.recovery.interrupted import MODELS, WORKSPACE, Round, interrupt
from runtime.benchmarks.recovery.supervised import supervised
from runtime.benchmarks.report import ROUNDS, BenchmarkError, Figure, Report, percentile
from runtime.benchmarks.torture.fleet import Fleet, NotUp
from runtime.lifecycle import Why

NAME = "recovery"
SUMMARY = "from the kill of a worker to the next step of its runs: seen by the supervisor, and by the lease"
SLOTS = 4  #: at least; the built-in workspace's
PATIENCE_SECONDS = 60.0


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--runs", type=count, default=4, help="runs of a round (4)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds of each kind ({ROUNDS})")
    parser.add_argument(
        "--lease", type=float, default=30.0, help="HARNESS_LEASE_SECONDS without a supervisor (30)"
    )
    parser.add_argument(
        "--sweep", type=float, default=15.0, help="HARNESS_SWEEP_SECONDS without a supervisor (15)"
    )


def run(options: Namespace) -> Report:
    """See Benchmark."""
    for name in place.KEPT:  # the runs are scripts: only the embedded model can play them
        os.environ.pop(name, None)
    slots = max(SLOTS, options.runs)
    documents = {"models.yaml": MODELS, "workspace.yaml": WORKSPACE.format(slots=slots)}
    place.configure(Path(settings.DATA_DIR), documents)
    report = Report()
    seen = _with_supervisor(options)
    _fill(report, "supervised", Why.WORKER_DIED, seen)
    _fill(report, "alone", Why.LEASE_OVER, _without_supervisor(options))
    report.say(
        f"Alone: a lease of {options.lease:g} s and a sweep every {options.sweep:g} s, "
        f"{options.lease + options.sweep:g} s together."
    )
    unseen = sum(each.reason != Why.WORKER_DIED for each in chain(*seen))
    if unseen:
        report.failed = f"{unseen} runs went on without the supervisor's word."
    return report


def _with_supervisor(options: Namespace) -> list[Round]:
    found = []
    for _ in range(options.rounds):
        with supervised():
            found.append(interrupt(options.runs, _kill, PATIENCE_SECONDS))
    return found


def _kill(pid: int) -> float:
    at = time.time()
    os.kill(pid, signal.SIGKILL)
    return at


def _without_supervisor(options: Namespace) -> list[Round]:
    timing = {"HARNESS_LEASE_SECONDS": f"{options.lease}", "HARNESS_SWEEP_SECONDS": f"{options.sweep}"}
    log = Path(settings.DATA_DIR) / "fleet.log"
    patience = options.lease + options.sweep + PATIENCE_SECONDS
    found = []
    try:
        with Fleet([sys.executable, str(MANAGE)], {**place.environment(), **timing}, log) as fleet:
            for _ in range(options.rounds):
                fleet.start_all()
                kill = partial(_kill_member, fleet, options.lease / 4)
                found.append(interrupt(options.runs, kill, patience))
    except NotUp as error:
        raise BenchmarkError(str(error)) from None
    return found


def _kill_member(fleet: Fleet, heartbeat: float, pid: int) -> float:
    # At any moment between two heartbeats, else each round would find lease and sweep in the same place.
    time.sleep(random.uniform(0, heartbeat))  # noqa: S311
    at = time.time()
    fleet.kill(next(member.name for member in fleet.workers if member.pid == pid))
    return at


def _fill(report: Report, name: str, why: Why, rounds: list[Round]) -> None:
    runs = list(chain(*rounds))
    seconds = [each.seconds for each in runs]
    longest = tuple(max(each.seconds for each in played) for played in rounds)
    report.figures += [
        Figure(f"{name}_p50", percentile(seconds, 50), "s"),
        Figure(f"{name}_p95", percentile(seconds, 95), "s"),
        Figure(f"{name}_longest", max(longest), "s", longest),
        Figure(f"{name}_runs", len(runs), ""),
        Figure(f"{name}_runs_in_a_tool", sum(each.in_a_tool for each in runs), ""),
        Figure(f"{name}, “{why}”", sum(each.reason == why for each in runs), ""),
    ]
