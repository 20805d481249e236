"""Runs in the middle of something, the kill of the worker that holds them, and how each of them goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from runtime import access, actions
from runtime.benchmarks.product import wait_until
from runtime.events import EventType
from runtime.models import Event, Run, Worker

MODELS = "spec:\n  models:\n    default:\n      base_url: scripted://200ms\n"
WORKSPACE = """\
spec:
  concurrency:
    runs_per_worker: {slots}
  approvals:
    rules:
      - name: nobody is asked
        action: allow
        tool: execute
        reason: What the runs do is known.
"""
#: None of them ends before it is cancelled. Where no sandbox works, the command fails and the text follows.
TALK = {"text": "word " * 2500}
COMMAND = {"name": "execute", "arguments": {"command": "sleep 3600"}}
SCRIPTS: Sequence[list[dict[str, Any]]] = ([TALK], [{"tool_calls": [COMMAND]}, TALK])
MIDDLE_SECONDS = 60.0


@dataclass(frozen=True)
class Interrupted:
    """One run of a killed worker."""

    in_a_tool: bool  #: else in a model call
    seconds: float  #: from the kill until it went on
    reason: str  #: why it was queued again, as its event says


Round = list[Interrupted]  #: what one kill interrupted


def interrupt(count: int, kill: Callable[[int], float], patience: float) -> Round:
    """Starts so many runs, lets `kill` end the process that holds most of them (it gives the Unix time), and
    waits until all of those have gone on; in the end all are cancelled.

    Raises BenchmarkError when they take longer than `patience`.
    """
    actor = access.command()
    started = [actions.start_run(actor, text, agent="orchestra").run_id for text in _inputs(count)]
    in_a_tool = _in_the_middle(started)
    owner, held = _most(started)
    killed = kill(Worker.objects.get(pk=owner).pid)
    next_steps = _next_steps(held, patience)
    for run_id in started:
        actions.cancel_run(actor, run_id)
    return [Interrupted(run_id in in_a_tool, at - killed, why) for run_id, (at, why) in next_steps.items()]


def _inputs(count: int) -> list[str]:
    return ["script:" + orjson.dumps(SCRIPTS[number % len(SCRIPTS)]).decode() for number in range(count)]


def _in_the_middle(run_ids: Sequence[str]) -> set[str]:
    """Waits until each run is in a tool or has streamed some text; gives those in a tool."""
    for _ in wait_until(MIDDLE_SECONDS, "The middle of the runs"):
        newest = {run_id: Event.objects.of_run(run_id).last() for run_id in run_ids}
        kinds = {run_id: event.type for run_id, event in newest.items() if event is not None}
        in_a_tool = {run_id for run_id, kind in kinds.items() if kind == EventType.TOOL_STARTED}
        talking = {run_id for run_id, kind in kinds.items() if kind == EventType.OUTPUT_DELTA}
        if len(in_a_tool | talking) == len(run_ids):
            break
    return in_a_tool


def _most(run_ids: Sequence[str]) -> tuple[str, list[str]]:
    """The worker that holds most of the runs, and which those are."""
    owners = dict(Run.objects.filter(pk__in=run_ids).values_list("run_id", "lease_owner"))
    [(owner, _)] = Counter(owners.values()).most_common(1)
    return owner, [run_id for run_id in run_ids if owners[run_id] == owner]


def _next_steps(run_ids: Sequence[str], patience: float) -> dict[str, tuple[float, str]]:
    """Waits until every run has gone on after its recovery: when that was, and why it was queued again."""
    found: dict[str, tuple[float, str]] = {}
    for _ in wait_until(patience, "The next step of every run"):
        for run_id in set(run_ids) - set(found):
            recovered = Event.objects.of_run(run_id, kind=EventType.RUN_RECOVERED.value).last()
            if recovered is None:
                continue
            after = Event.objects.of_run(run_id, after=recovered.sequence).first()
            if after is not None:
                found[run_id] = after.created_at.timestamp(), recovered.body["reason"]
        if len(found) == len(run_ids):
            break
    return found
