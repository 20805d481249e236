"""Deleting a thread of many events out of few and out of very many: two processes, alternated."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from django.conf import settings

from runtime import access, actions, journal
from runtime.benchmarks import elsewhere, place
from runtime.benchmarks.checkpoint_resume.transcript import make
from runtime.benchmarks.counts import count
from runtime.benchmarks.elsewhere import opened, questions, say
from runtime.benchmarks.filling.fill import fill
from runtime.benchmarks.report import ROUNDS, BenchmarkError, Report, percentile
from runtime.benchmarks.runs import MODELS
from runtime.lifecycle import RunState, Why
from runtime.models import Event

NAME = "deletion"
SUMMARY = "deleting a thread of two thousand events out of a million and out of twenty thousand: time, ratio"
EVENTS_A_RUN = 6.2  #: of those that fill the database
EVENTS_A_STEP = 4


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--few", type=count, default=20_000, help="events of the small database (20000)")
    parser.add_argument("--many", type=count, default=1_000_000, help="events of the big one (1000000)")
    parser.add_argument("--events", type=count, default=2_000, help="events of the thread (2000)")
    parser.add_argument("--times", type=count, default=5, help="deletions in a round (5)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds ({ROUNDS})")
    elsewhere.add_argument(parser)


def run(options: Namespace) -> Report:
    """See Benchmark."""
    if options.answer:
        answer(**options.answer)
        return Report()
    if not 100 <= options.few <= options.many or options.events < 100:
        raise BenchmarkError("--few and --events must be 100 or more, and --many not less than --few.")
    took: list[tuple[float, float]] = []
    report = Report()
    with opened(NAME, events=options.few) as small, opened(NAME, events=options.many) as big:
        for _ in range(options.rounds):
            asked = [[each.ask(delete=options.events) for each in (small, big)] for _ in range(options.times)]
            few, many = ([found["seconds"] for found in each] for each in zip(*asked, strict=True))
            took.append((percentile(few, 50), percentile(many, 50)))
        report.say(f"Out of {small.first['events']:,} events and out of {big.first['events']:,}.")
    report.add("deletion_ratio", "", (many / few for few, many in took))
    report.add("deletion_of_few", "ms", (few * 1000 for few, _ in took))
    report.add("deletion_of_many", "ms", (many * 1000 for _, many in took))
    return report


def answer(events: int) -> None:
    """Fills, then makes and deletes a thread for each question."""
    place.configure(Path(settings.DATA_DIR), {"models.yaml": MODELS})
    say(events=fill(round(events / EVENTS_A_RUN)).events)
    for asked in questions():
        thread_id = _thread(asked["delete"])
        began = time.perf_counter()
        actions.delete_thread(access.command(), thread_id)
        took = time.perf_counter() - began
        assert not Event.objects.filter(thread_id=thread_id).exists()
        say(seconds=took)


def _thread(events: int) -> str:
    """A thread with one run, which has ended."""
    lease = make(2 * events // EVENTS_A_STEP).lease
    with journal.entry(lease.run_id, lease) as entry:
        entry.end(RunState.COMPLETED, Why.ANSWERED, output="All notes are read.")
    return lease.thread_id
