"""The torture: the whole product under random kills, and an oracle that says whether anything was harmed.

A web server, two workers, clients that start, decide, cancel, repeat, resolve and delete; a part is killed by
SIGKILL at random instants and started again. What the clients were told is then compared with the records,
and what the shell tool really ran with both. A violation is a failure of the command, not a figure.
"""

from __future__ import annotations

import random
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.db import connection

from runtime import access
from runtime.benchmarks import place
from runtime.benchmarks.counts import count, count_or_none
from runtime.benchmarks.report import BenchmarkError, Figure, Report, percentile
from runtime.benchmarks.torture.campaign import Campaign, Outcome, Plan
from runtime.benchmarks.torture.fleet import Fleet, NotUp
from runtime.benchmarks.torture.judge import Judgement, judge
from runtime.benchmarks.torture.recovery import run_recoveries, web_recoveries

NAME = "torture"
SUMMARY = "random kills of web server and workers: what was lost, doubled or stuck, and how soon it went on"
IMPATIENT = {"HARNESS_LEASE_SECONDS": "2", "HARNESS_SWEEP_SECONDS": "1"}
SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--kills", type=count, default=100, help="processes killed (100)")
    parser.add_argument("--workers", type=count, default=2, help="worker processes (2)")
    parser.add_argument("--seed", type=int, help="of all chance but the machine's own (a new one)")
    parser.add_argument(
        "--pauses",
        type=count_or_none,
        default=0,
        metavar="PERCENT",
        help="instead of so many of a hundred kills, stop a worker for longer than its lease (0)",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy the data directory there in the end")


def run(options: Namespace) -> Report:
    """See Benchmark."""
    seed = random.randrange(1_000_000) if options.seed is None else options.seed  # noqa: S311
    data_dir = Path(settings.DATA_DIR)
    token = access.make_token("torture", ["operator", "reviewer"])
    connection.close()
    plan = Plan(options.kills, seed, pauses=options.pauses)
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py")]
    own = {name: value for name, value in place.environment().items() if name not in place.KEPT}
    env = {**own, **IMPATIENT}  # the stories are scripts: only the embedded model can play them
    try:
        with Fleet(command, env, data_dir / "fleet.log", workers=options.workers) as fleet:
            outcome = Campaign(fleet, data_dir, token, plan).run()
    except NotUp as error:
        raise BenchmarkError(str(error)) from None
    found = judge(outcome.ledger, exact=not options.pauses)
    if options.keep:
        outcome.ledger.save(data_dir / "ledger.json")
        sockets = shutil.ignore_patterns("doorbells")
        shutil.copytree(data_dir, options.keep, ignore=sockets, dirs_exist_ok=True, symlinks=True)
    return _report(outcome, found, seed)


def _report(outcome: Outcome, found: Judgement, seed: int) -> Report:
    report = Report()
    targets = Counter(kill.name for kill in outcome.kills)
    web = targets.pop("web", 0)
    counts = {
        "kills": len(outcome.kills),
        "kills of the web server": web,
        "kills of workers": targets.total(),
        "kills of all at once": len({kill.at for kill in outcome.kills if kill.target == "all"}),
        "workers stopped and continued": outcome.paused,
        "runs": sum(found.states.values()),
        "acknowledged requests": len(outcome.ledger.promises),
        "answers": len(outcome.answers.times),
        "requests without an answer": outcome.answers.unanswered,
        "effects witnessed": found.effects,
        "calls in doubt": found.doubts,
        "runs recovered": found.recovered,
        "lost": len(found.lost),
        "doubled": len(found.doubled),
        "stuck": len(found.stuck) + outcome.unsettled,
        "contradictions (verify and files)": len(found.broken),
        "wrong answers": len(found.wrong),
    }
    report.figures += [Figure(name, count, "") for name, count in counts.items()]
    _times(report, "run went on after", run_recoveries(outcome.kills))
    _times(report, "web answered after", list(web_recoveries(outcome.kills, outcome.answers.times)))
    report.figures.append(Figure("settled after the last kill", outcome.settle_seconds, "s"))
    report.figures.append(Figure("duration", outcome.seconds, "s"))
    report.say(f"Seed {seed}. Runs by state: {_listed(found.states)}. Failed: {_listed(found.errors)}.")
    if found.violations or outcome.unsettled:
        report.say(*found.violations[:SHOWN])
        report.failed = f"{len(found.violations) + outcome.unsettled} violations."
    return report


def _times(report: Report, name: str, seconds: Iterable[float]) -> None:
    measured = list(seconds)
    report.figures += [
        Figure(f"{name}, p50", percentile(measured, 50), "s"),
        Figure(f"{name}, p95", percentile(measured, 95), "s"),
        Figure(f"{name}, longest", max(measured, default=0.0), "s"),
    ]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
