"""The oracle: reads the records, the witnesses and the ledger when all is quiet, and names every violation.

It trusts neither the clients nor the product: what was promised is looked up in the rows, what ran is counted
in files outside of them, and what the rows say of themselves is recomputed by `verify`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from runtime.benchmarks.torture.effects import effect_problems
from runtime.benchmarks.torture.ledger import Ledger, Promise
from runtime.events import EventType
from runtime.lifecycle import RunState
from runtime.models import Artifact, DecisionRecord, Event, Run, RunRequest, Thread, Tombstone, ToolCall
from runtime.models.thread import thread_folder
from runtime.upkeep.verify import verify

MOVING = (RunState.QUEUED.value, RunState.RUNNING.value)


@dataclass
class Judgement:
    """What was looked at, and every violation as a sentence, by kind."""

    lost: list[str] = field(default_factory=list)  #: acknowledged, and not in the records
    doubled: list[str] = field(default_factory=list)  #: done more often than allowed, or not allowed at all
    stuck: list[str] = field(default_factory=list)  #: neither at an end nor waiting for a person
    broken: list[str] = field(default_factory=list)  #: records that contradict one another
    wrong: list[str] = field(default_factory=list)  #: answers that no server should give
    states: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)  #: why runs failed
    effects: int = 0
    doubts: int = 0
    recovered: int = 0

    @property
    def violations(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.stuck, *self.broken, *self.wrong]


def judge(ledger: Ledger, *, exact: bool = True) -> Judgement:
    """Looks at everything. `exact`: nothing was stopped and continued, so that an honest person's word about
    a call in doubt was final, and every call ran at most once."""
    found = Judgement(wrong=list(ledger.wrong))
    found.states = dict(Counter(Run.objects.values_list("state", flat=True)))
    failed = Run.objects.filter(state=RunState.FAILED.value)
    found.errors = dict(Counter(str(error) for error in failed.values_list("error", flat=True)))
    gone = set(Tombstone.objects.values_list("thread_id", flat=True))
    for promise in ledger.promises:
        found.lost += [f"{promise.act} of run {promise.run_id}: {p}" for p in _lost(promise, gone)]
    found.stuck += [
        f"Run {run_id} is {state}."
        for run_id, state in Run.objects.filter(state__in=MOVING).values_list("run_id", "state")
    ]
    found.effects, problems = effect_problems(exact)
    found.doubled += problems
    found.doubled += _repeated_starts()
    found.doubled += _repeated_replies()
    found.broken += verify().differences
    found.broken += _artifact_problems()
    found.broken += _folder_problems(gone)
    found.doubts = Event.objects.filter(type=EventType.TOOL_IN_DOUBT.value).count()
    found.recovered = Event.objects.filter(type=EventType.RUN_RECOVERED.value).count()
    return found


def _lost(promise: Promise, gone: set[str]) -> Iterator[str]:
    """In what way a promise was not kept. Of a deleted thread only the decisions are left."""
    if promise.act == "delete":
        if promise.thread_id not in gone or Thread.objects.filter(pk=promise.thread_id).exists():
            yield "the thread is still there."
        return
    if promise.act == "decide":
        records = DecisionRecord.objects.filter(approval_id=promise.about)
        said = list(records.values_list("decision", flat=True))
        if said != [promise.said]:
            yield f"{promise.said} of {promise.about} was acknowledged, the records say {said}."
    if promise.thread_id in gone:
        return
    run = Run.objects.filter(pk=promise.run_id).first()
    if run is None or run.thread_id != promise.thread_id:
        yield "there is no such run."
    elif promise.act in ("start", "retry") and not _has_key(run, promise.about):
        yield f"it does not have the key {promise.about}."
    elif promise.act == "cancel":
        yield from _after_cancel(run)
    elif promise.act == "resolve":
        kinds = Event.objects.of_run(run.run_id, kind=EventType.TOOL_RESOLVED.value)
        said = [event.body["outcome"] for event in kinds if event.body["tool_call_id"] == promise.about]
        if promise.said not in said:
            yield f"{promise.said} was acknowledged, the events say {said}."


def _has_key(run: Run, key: str) -> bool:
    return RunRequest.objects.filter(pk=run.run_id, idempotency_key=key).exists()


def _after_cancel(run: Run) -> Iterator[str]:
    kinds = list(Event.objects.of_run(run.run_id).values_list("type", flat=True))
    if run.state != RunState.CANCELLED or EventType.RUN_CANCEL_REQUESTED not in kinds:
        yield f"it is {run.state}."
    elif EventType.TOOL_STARTED in kinds[kinds.index(EventType.RUN_CANCEL_REQUESTED) :]:
        yield "a tool started after it."


def _repeated_starts() -> Iterator[str]:
    """One key, one run."""
    keys = Counter(RunRequest.objects.exclude(idempotency_key=None).values_list("idempotency_key", flat=True))
    for key, count in keys.items():
        if count > 1:
            yield f"The key {key} started {count} runs."


def _repeated_replies() -> Iterator[str]:
    """Each model call of a run is answered once, each tool call has one result and counts its starts."""
    answered: Counter[tuple[str, int]] = Counter()
    started: Counter[str] = Counter()
    finished: Counter[str] = Counter()
    counters = {
        EventType.TOOL_STARTED: started,
        EventType.TOOL_COMPLETED: finished,
        EventType.TOOL_FAILED: finished,
    }
    kinds = (EventType.MODEL_COMPLETED, *counters)
    for event in Event.objects.filter(type__in=[kind.value for kind in kinds]).iterator():
        if event.type == EventType.MODEL_COMPLETED:
            answered[event.run_id, event.body["call"]] += 1
        else:
            counters[EventType(event.type)][event.body["tool_call_id"]] += 1
    for (run_id, number), times in answered.items():
        if times > 1:
            yield f"Run {run_id}: model call {number} was answered {times} times."
    for call_id, times in finished.items():
        if times > 1:
            yield f"Tool call {call_id} has {times} results."
    for call_id, attempt in ToolCall.objects.values_list("tool_call_id", "attempt"):
        if started[call_id] != attempt:
            yield f"Tool call {call_id}: {started[call_id]} starts, but attempt {attempt}."


def _artifact_problems() -> Iterator[str]:
    """Every row has its file, whole."""
    for artifact in Artifact.objects.all():
        try:
            with artifact.open() as file:
                content = file.read()
        except OSError as error:
            yield f"Artifact {artifact.artifact_id}: {error}"
            continue
        if len(content) != artifact.size or hashlib.sha256(content).hexdigest() != artifact.sha256:
            yield f"Artifact {artifact.artifact_id} is not what its row says."


def _folder_problems(gone: Iterable[str]) -> Iterator[str]:
    """What was deleted is gone from the disk, and every folder has its thread."""
    there = set(Thread.objects.values_list("thread_id", flat=True))
    parent: Path = thread_folder("x").parent
    folders = {path.name for path in parent.iterdir()} if parent.is_dir() else set()
    for name in folders & set(gone):
        yield f"The files of the deleted thread {name} are still there."
    for name in folders - there - set(gone):
        yield f"The folder {name} belongs to no thread."
