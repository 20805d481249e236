"""How soon a worker takes up a run after its decision, and what a worker at rest costs.

One worker process. The decision is made in this process, so that its commit can be timed to the microsecond;
when the run was claimed is told by the event of the claim.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from runtime.benchmarks import place, product
from runtime.benchmarks.counts import count
from runtime.benchmarks.report import ROUNDS, Report, percentile
from runtime.benchmarks.runs import MODELS
from runtime.benchmarks.runs.client import Actions
from runtime.benchmarks.runs.watch import Watch
from runtime.events import EventType
from runtime.models import Event

NAME = "decision"
SUMMARY = (
    "from a committed decision to the claim by a worker process: busy and after a rest; a worker at rest"
)
PAUSE_SECONDS = 0.1


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument(
        "--decisions", type=count, default=50, help="decisions of a round, one at a time (50)"
    )
    parser.add_argument("--idle", type=float, default=75.0, help="seconds of rest in each round (75)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds ({ROUNDS})")


def run(options: Namespace) -> Report:
    """See Benchmark."""
    place.configure(Path(settings.DATA_DIR), {"models.yaml": MODELS})
    busy: list[list[float]] = []
    rested: list[float] = []
    cores: list[float] = []
    with product.running(("worker",)) as running, Watch() as watch:
        _decide(watch, 0.0)
        for _ in range(options.rounds):
            busy.append([_decide(watch, PAUSE_SECONDS) for _ in range(options.decisions)])
            began = running.cpu_seconds()["worker"]
            rested.append(_decide(watch, options.idle))
            cores.append((running.cpu_seconds()["worker"] - began) / options.idle)
            running.check()
    report = Report()
    for percent in (50, 95):
        report.add(f"claimed_p{percent}", "ms", (percentile(each, percent) * 1000 for each in busy))
    report.add("claimed_after_rest", "ms", (seconds * 1000 for seconds in rested))
    report.add("worker_at_rest", "% of a core", (share * 100 for share in cores))
    report.say(f"At rest: {options.idle:g} s with one waiting run, in each round.")
    return report


def _decide(watch: Watch, pause: float) -> float:
    """One run that asks, waits for so long, and is approved; seconds from the commit to the claim."""
    door = Actions()
    run_id = door.start()
    approval_id, digest = watch.approval_of(run_id)
    time.sleep(pause)
    committed: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.time()))  # before the journal's own, which rings
        door.approve(approval_id, digest)
    watch.end_of(run_id)
    claims = Event.objects.of_run(run_id, kind=EventType.RUN_DEQUEUED.value)
    claimed: datetime = claims.values_list("created_at", flat=True)[1]
    return claimed.timestamp() - committed[0]
