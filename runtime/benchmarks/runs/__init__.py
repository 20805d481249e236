"""Approved runs a second: each asks a person before it writes a file, and ends with an answer.

One web server, one worker, a client that keeps some runs in flight: start, approve, wait for the end. Every
commit is as durable as the product's.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from django.conf import settings

from runtime import access
from runtime.benchmarks import place, product, profiling
from runtime.benchmarks.commits import counted
from runtime.benchmarks.counts import count
from runtime.benchmarks.report import ROUNDS, BenchmarkError, Report
from runtime.benchmarks.runs.client import Actions, Api, Door, play
from runtime.benchmarks.runs.figures import Round, fill, measured, runs_written
from runtime.benchmarks.runs.watch import Watch

NAME = "runs"
SUMMARY = "approved runs a second, one web server and one worker: latencies, processor time, commits, steps"
WARM_UP = 30
MODELS = "spec:\n  models:\n    default:\n      base_url: scripted://fast\n"
WORKSPACE = "spec:\n  concurrency:\n    runs_per_worker: {slots}\n"


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--runs", type=count, default=300, help="runs of a round (300)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds ({ROUNDS})")
    parser.add_argument("--in-flight", type=count, default=8, help="runs at the same time (8)")
    parser.add_argument(
        "--slots", type=count, default=4, help="concurrent runs of the worker (4, as built in)"
    )
    parser.add_argument(
        "--by",
        choices=("api", "actions"),
        default="api",
        help="start and decide over HTTP, or by calling what the API calls (api)",
    )
    parser.add_argument(
        "--profile", choices=("web", "worker"), action="append", default=[], help="profile this process, too"
    )


def run(options: Namespace) -> Report:
    """See Benchmark."""
    if options.profile and not profiling.POSSIBLE:
        raise BenchmarkError("--profile needs Python 3.11: later ones profile one thread at a time.")
    data = Path(settings.DATA_DIR)
    place.configure(data, {"models.yaml": MODELS, "workspace.yaml": WORKSPACE.format(slots=options.slots)})
    token = access.make_token("benchmark", ["operator", "reviewer"])
    profiles = {name: data / f"{name}.profile" for name in options.profile}
    report = Report()
    with product.running(profiles=profiles) as running, Watch() as watch:
        door: Door = Api(running.port, token) if options.by == "api" else Actions()
        play(door, watch, min(WARM_UP, options.runs), options.in_flight)
        rounds = [_round(running, door, watch, options) for _ in range(options.rounds)]
        with counted(data / "queue.sqlite") as queue, counted(data / "runtime.sqlite") as records:
            play(door, watch, options.runs, options.in_flight)
    fill(report, rounds)
    runs_written(report, options.runs, records, queue)
    for name, path in profiles.items():
        report.say(f"The {name} process, all threads, waiting included (profiling slows it down):")
        report.say(profiling.shown(str(path)))
    return report


def _round(running: product.Product, door: Door, watch: Watch, options: Namespace) -> Round:
    with measured(running) as result:
        result.played = play(door, watch, options.runs, options.in_flight)
    running.check()
    return result
