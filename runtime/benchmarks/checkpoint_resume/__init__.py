"""What a step and a resume cost, by the length of the transcript.

A step is what the engine writes for a model call and the tool call that it asks for: four entries, two
messages. A resume is the claim and what the engine reads before it asks the model again; the reading of the
messages, which every model call does, is also shown alone. The sizes take turns, step by step, so that
whatever else the machine does hits all of them alike.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import median

from django.conf import settings

from runtime.benchmarks import place
from runtime.benchmarks.checkpoint_resume.transcript import Transcript, make, read, resume, step
from runtime.benchmarks.commits import Counted, counted
from runtime.benchmarks.counts import count
from runtime.benchmarks.report import ROUNDS, Report

NAME = "checkpoint_resume"
SUMMARY = (
    "what a step writes and a resume reads, by the length of the transcript: time and bytes, ratios, slope"
)
SIZES = (10, 100, 1000, 10000)
GROWTH = 20  #: a transcript is used for steps until it has grown by one part in so many
WORKSPACE = "spec:\n  limits:\n    model_turns: 1000000\n    events_per_run: 100000000\n"

Rounds = dict[int, list[float]]


def _sizes(text: str) -> tuple[int, ...]:
    try:
        found = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        found = ()
    if len(found) < 2 or found[0] < 4:
        raise ArgumentTypeError("two or more numbers from 4 on, with commas between them")
    return found


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    shown = ",".join(map(str, SIZES))
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help=f"messages of a transcript ({shown})")
    parser.add_argument("--steps", type=count, default=30, help="steps of each size in a round (30)")
    parser.add_argument("--resumes", type=count, default=5, help="resumes of each size in a round (5)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds ({ROUNDS})")


def run(options: Namespace) -> Report:
    """See Benchmark."""
    place.configure(Path(settings.DATA_DIR), {"workspace.yaml": WORKSPACE})
    sizes: tuple[int, ...] = options.sizes
    stock = {size: _stock(size, options.steps * (options.rounds + 1)) for size in sizes}
    appends: Rounds = {size: [] for size in sizes}
    resumes: Rounds = {size: [] for size in sizes}
    reads: Rounds = {size: [] for size in sizes}
    kinds = (
        (appends, step, options.steps),
        (resumes, resume, options.resumes),
        (reads, read, options.resumes),
    )
    for number in range(options.rounds):
        turned = sizes[number % len(sizes) :] + sizes[: number % len(sizes)]
        for found, what, times in kinds:
            spent: Rounds = {size: [] for size in sizes}
            for _ in range(times):
                for size in turned:
                    spent[size].append(what(next(stock[size])))
            for size in sizes:
                found[size].append(median(spent[size]))
    written = {size: _written(stock[size], options.steps) for size in sizes}
    return _report(appends, resumes, reads, written, options.steps)


def _stock(size: int, steps: int) -> Iterator[Transcript]:
    """Transcripts of a size, again and again, as many as it takes to keep all of them near that size."""
    each = max(1, size // GROWTH // 2)
    return cycle([make(size) for _ in range(-(-steps // each))])


def _written(stock: Iterator[Transcript], steps: int) -> Counted:
    with counted(Path(settings.DATA_DIR) / "runtime.sqlite") as found:
        for _ in range(steps):
            step(next(stock))
    return found


def _report(
    appends: Rounds, resumes: Rounds, reads: Rounds, written: dict[int, Counted], steps: int
) -> Report:
    report = Report()
    sizes = list(appends)
    for size in sizes:
        report.add(f"step_at_{size}", "ms", (seconds * 1000 for seconds in appends[size]))
        report.add(f"step_writes_at_{size}", "KB", [written[size].written / steps / 1000])
        report.add(f"step_commits_at_{size}", "", [written[size].commits / steps])
        report.add(f"resume_at_{size}", "ms", (seconds * 1000 for seconds in resumes[size]))
        report.add(f"read_at_{size}", "ms", (seconds * 1000 for seconds in reads[size]))
    first = sizes[0]
    for size in sizes[1:]:
        times = [now / then for now, then in zip(appends[size], appends[first], strict=True)]
        report.add(f"step_{size}_to_{first}", "times", times)
        report.add(
            f"step_writes_{size}_to_{first}", "times", [written[size].written / written[first].written]
        )
    last = sizes[-1]
    slopes = [(b - a) / (last - first) * 1e6 for a, b in zip(resumes[first], resumes[last], strict=True)]
    report.add("resume_slope", "µs/message", slopes)
    report.say(
        f"A step must not cost more with the length of the transcript; {first} messages are the measure."
    )
    return report
