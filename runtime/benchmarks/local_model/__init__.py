"""A fixed workload against the endpoint of `HARNESS_MODEL_BASE_URL`: a question, and a task with a tool.

One worker process. The question is also put to the endpoint itself, with the very same bytes, in turns: what
is more by way of the product is its overhead. The model's own time is not ours; a task's `own` is all the
rest, such as tools, commits and hand-overs.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from runtime import access, actions
from runtime.benchmarks import product
from runtime.benchmarks.counts import count
from runtime.benchmarks.local_model import bare
from runtime.benchmarks.product import wait_until
from runtime.benchmarks.report import ROUNDS, BenchmarkError, Report, percentile
from runtime.events import EventType
from runtime.lifecycle import ACTIVE, RunState
from runtime.models import Event, Run

NAME = "local_model"
SUMMARY = "a fixed workload on any OpenAI-compatible endpoint: first token, total, tool calls, overhead"
QUESTION = "Answer in two sentences: why is the sky blue by day and red in the evening?"
TASK = "List the files in this folder with your tool, then say in one sentence how many there are."
PATIENCE_SECONDS = 900.0
PARKED = (RunState.WAITING_FOR_APPROVAL, RunState.IN_DOUBT)
FIRST = (EventType.OUTPUT_DELTA, EventType.MODEL_COMPLETED, EventType.MODEL_FAILED)


@dataclass(frozen=True)
class Told:
    """One run; times in seconds."""

    first: float  #: from its start to its first words
    total: float
    model: float  #: the part in which the model was waited for
    tool_calls: int
    completed: bool


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--times", type=count, default=3, help="runs of each kind in a round (3)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds ({ROUNDS})")


def run(options: Namespace) -> Report:
    """See Benchmark."""
    if not os.environ.get("HARNESS_MODEL_BASE_URL", "").strip():
        raise BenchmarkError("Set HARNESS_MODEL_BASE_URL (and HARNESS_MODEL, HARNESS_MODEL_API_KEY) first.")
    report = Report()
    questions: list[list[Told]] = []
    tasks: list[list[Told]] = []
    plain: list[list[bare.Answered]] = []
    with product.running(("worker",)) as running:
        warm = _start(QUESTION)
        _told(warm)  # loads the model
        to, body = bare.request_of(warm)
        for _ in range(options.rounds):
            pairs = [(bare.ask(to, body), _told(_start(QUESTION))) for _ in range(options.times)]
            plain.append([one for one, _ in pairs])
            questions.append([two for _, two in pairs])
            tasks.append([_told(_start(TASK)) for _ in range(options.times)])
            running.check()
    _fill(report, plain, questions, tasks)
    ended = [each.completed for part in (*questions, *tasks) for each in part]
    report.say(f"{sum(ended)} of {len(ended)} runs completed; the endpoint is {to.shown}.")
    return report


def _fill(
    report: Report, plain: list[list[bare.Answered]], questions: list[list[Told]], tasks: list[list[Told]]
) -> None:
    for name in ("first", "total"):
        without = [percentile((getattr(each, name) for each in part), 50) * 1000 for part in plain]
        through = [percentile((getattr(each, name) for each in part), 50) * 1000 for part in questions]
        report.add(f"question_{name}", "ms", through)
        report.add(f"question_{name}_bare", "ms", without)
        report.add(f"overhead_{name}", "ms", (a - b for a, b in zip(through, without, strict=True)))
    for name in ("first", "total"):
        report.add(
            f"task_{name}", "ms", (percentile((getattr(t, name) for t in part), 50) * 1000 for part in tasks)
        )
    own = [percentile((t.total - t.model for t in part), 50) * 1000 for part in tasks]
    report.add("task_own", "ms", own)
    report.add("task_tool_calls", "", (percentile((t.tool_calls for t in part), 50) for part in tasks))
    failed = [sum(not t.completed for t in (*one, *two)) for one, two in zip(questions, tasks, strict=True)]
    report.add("not_completed", "runs", failed)


def _start(text: str) -> str:
    return actions.start_run(access.command(), text, agent="direct").run_id


def _told(run_id: str) -> Told:
    """Waits for the run's end; one that asks a person is cancelled."""
    for _ in wait_until(PATIENCE_SECONDS, f"The end of the run {run_id}"):
        state = Run.objects.values_list("state", flat=True).get(pk=run_id)
        if state in PARKED:
            actions.cancel_run(access.command(), run_id)
        if state not in ACTIVE:
            break
    events = list(Event.objects.of_run(run_id))
    began = events[0].created_at
    first = next((event.created_at for event in events if event.type in FIRST), events[-1].created_at)
    model = sum(
        int(event.body.get("duration_ms") or 0) for event in events if event.type.startswith("model.")
    )
    return Told(
        first=(first - began).total_seconds(),
        total=(events[-1].created_at - began).total_seconds(),
        model=model / 1000,
        tool_calls=sum(event.type == EventType.TOOL_STARTED for event in events),
        completed=Run.objects.get(pk=run_id).state == RunState.COMPLETED,
    )
