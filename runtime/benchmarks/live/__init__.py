"""Watchers of live runs on one web process: what they miss, how late they are, what they cost.

Events are written by this process, watchers are another one. Scenes: the main one with some watchers of some
runs; and five times as many watchers, first of many runs, then of one. Each with the API's stream, by a
token, and with the page's, by a person who is signed in.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client

from runtime import access
from runtime.benchmarks import place, product
from runtime.benchmarks.counts import count, count_or_none
from runtime.benchmarks.live.publisher import make_runs, publish
from runtime.benchmarks.product import database_connections, resident, thread_count
from runtime.benchmarks.report import ROUNDS, BenchmarkError, Report, percentile

NAME = "live"
SUMMARY = (
    "watchers of live runs on one web process, API and pages: losses, delay, memory, threads, connections"
)
SETTLE_SECONDS = 1.0  #: for the last events to arrive
WARM_UP = 200  #: streams opened and closed before: by then the threads that answer requests are there
LIMITS = "spec:\n  limits:\n    streams_per_person: {most}\n    streams_per_service_account: {most}\n"


@dataclass(frozen=True)
class Scene:
    """So many watchers of so many runs, which say so much in a second, all together."""

    name: str
    watchers: int
    runs: int
    rate: float
    way: Way


@dataclass(frozen=True)
class Way:
    """A stream's path and who asks for it, a header."""

    path: str
    header: str


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--watchers", type=count, default=1000, help="watchers of the main scene (1000)")
    parser.add_argument("--runs", type=count, default=10, help="runs that they watch (10)")
    parser.add_argument("--rate", type=float, default=4.0, help="events a second in each of them (4)")
    parser.add_argument(
        "--many", type=count_or_none, default=5000, help="watchers of the others; 0: none of it (5000)"
    )
    parser.add_argument("--stream", choices=("api", "page"), help="this stream alone (both)")
    parser.add_argument("--seconds", type=float, default=16.0, help="length of a round (16)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds ({ROUNDS})")


def run(options: Namespace) -> Report:
    """See Benchmark."""
    most = max(options.watchers, options.many) + 200
    _allow_files(most)
    place.configure(Path(settings.DATA_DIR), {"workspace.yaml": LIMITS.format(most=most)})
    report = Report()
    for name, way in _ways().items():
        if options.stream in (None, name):
            for scene in _scenes(options, "" if name == "api" else f"{name}_", way):
                _play(report, scene, options)
    return report


def _scenes(options: Namespace, name: str, way: Way) -> list[Scene]:
    rate = options.rate
    scenes = [Scene(name, options.watchers, options.runs, rate * options.runs, way)]
    if options.many:
        many = max(2, options.many // 10)
        scenes += [
            Scene(f"{name}of_many_runs_", options.many, many, 50.0, way),
            Scene(f"{name}of_one_run_", options.many, 1, rate, way),
        ]
    return scenes


def _ways() -> dict[str, Way]:
    token = access.make_token("benchmark", ["viewer"])
    person = User.objects.create_user("benchmark")
    person.groups.add(Group.objects.get(name="viewer"))
    browser = Client()
    browser.force_login(person)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    return {
        "api": Way("/api/v1/runs/{}/stream", f"Authorization: Bearer {token}"),
        "page": Way("/runs/{}/stream", f"Cookie: {settings.SESSION_COOKIE_NAME}={cookie}"),
    }


def _play(report: Report, scene: Scene, options: Namespace) -> None:
    leases = make_runs(scene.runs)
    run_ids = [lease.run_id for lease in leases]
    watchers = [run_ids[number % scene.runs] for number in range(scene.watchers)]
    with product.running(("web",)) as running:
        web = running.processes["web"].pid
        with crowd() as ask:
            ask({"watchers": (watchers * WARM_UP)[:WARM_UP], "port": running.port, **asdict(scene.way)})
        time.sleep(SETTLE_SECONDS)
        before, threads, connections = resident(web), thread_count(web), database_connections(web)
        with crowd() as ask:
            opened = ask({"watchers": watchers, "port": running.port, **asdict(scene.way)})
            rounds = []
            for _ in range(options.rounds):
                used = product.cpu_seconds(web)
                published = publish(leases, scene.rate, options.seconds)
                time.sleep(SETTLE_SECONDS)
                spent = product.cpu_seconds(web) - used
                found = ask({"sent": published.sent})
                rounds.append({**found, "late": published.late, "cores": spent / options.seconds})
                running.check()
            memory = (resident(web) - before) / scene.watchers
            threads, connections = thread_count(web) - threads, database_connections(web) - connections
    name = scene.name
    report.add(f"{name}lost", "events", (each["lost"] for each in rounds))
    report.add(f"{name}twice", "events", (each["twice"] for each in rounds))
    report.add(f"{name}closed", "streams", (each["closed"] + opened["refused"] for each in rounds))
    for percent in (50, 99):
        delays = [percentile(each["latencies"], percent) * 1000 for each in rounds]
        report.add(f"{name}delay_p{percent}", "ms", delays)
    report.add(f"{name}delay_most", "ms", (max(each["latencies"]) * 1000 for each in rounds))
    report.add(f"{name}web_cpu", "cores", (each["cores"] for each in rounds))
    report.add(f"{name}memory_per_watcher", "KB", [memory / 1000])
    report.add(f"{name}more_threads", "", [threads])
    report.add(f"{name}more_connections", "", [connections])
    report.add(f"{name}opened", "/s", [scene.watchers / opened["seconds"]])
    late = max(each["late"] for each in rounds)
    report.say(
        f"{scene.watchers:,} watchers of {scene.runs:,} runs, {scene.rate:g} events a second in all, "
        f"{options.seconds:g} s a round; the writer was {late:.2f} s behind at most."
    )


@contextmanager
def crowd() -> Iterator[Any]:
    """The watchers' process: a function that asks it."""
    command = [sys.executable, "-m", "runtime.benchmarks.watchers"]
    process = subprocess.Popen(  # noqa: S603  (our own command)
        command,
        cwd=settings.BASE_DIR,
        env=place.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    writing, reading = process.stdin, process.stdout

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        writing.write(json.dumps(question) + "\n")
        writing.flush()
        line = reading.readline()
        if not line:
            raise BenchmarkError("The watchers' process ended; its own message is above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    with process:
        try:
            yield ask
        finally:
            writing.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _allow_files(most: int) -> None:
    """Lets this process and those it starts have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < most:
        raise BenchmarkError(f"So many watchers need {most} open files; this machine allows {hard}.")
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
