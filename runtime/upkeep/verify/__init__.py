"""Verification: recomputes what the rows say from the events; finds rows changed, removed, added or swapped.

It reads only. Each event's hash covers its predecessor's, so what the events say stands; a run with its
calls, approvals, decisions, messages, artifacts and checkpoints has to be what they tell of, both ways round.
Emptied payloads keep their hash. What the counters say is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Exists, Max, OuterRef, Q

from runtime.journal.transaction import snapshot
from runtime.models import (
    Approval,
    Artifact,
    Checkpoint,
    DecisionRecord,
    Event,
    RecoveryIntent,
    Run,
    RunRequest,
    Thread,
    ThreadMessage,
    Tombstone,
    ToolCall,
)
from runtime.models.counters import wrong_counters
from runtime.upkeep.verify.chain import chain_problem, imported_problem
from runtime.upkeep.verify.compare import Rows, differences
from runtime.upkeep.verify.rows import Streams
from runtime.upkeep.verify.story import Story

BATCH = 100
BELONGINGS = (Approval, Artifact, Checkpoint, RecoveryIntent, RunRequest, ThreadMessage, ToolCall)


@dataclass
class Report:
    """What was looked at, and every difference as a sentence."""

    threads: int = 0
    runs: int = 0
    events: int = 0
    decisions: int = 0
    differences: list[str] = field(default_factory=list)


def verify() -> Report:
    """Looks at every record once."""
    report = Report()
    after = ""
    while after := _verify_runs(after, report):
        pass
    while after := _verify_threads(after, report):
        pass
    with snapshot():
        report.differences += [*_foreign_events(), *_foreign_decisions(), *_foreign_rows(), *_counters()]
    return report


def _verify_runs(after: str, report: Report) -> str:
    """The next runs by id, all that belongs to them as it is at one moment; gives the last one's id, and
    nothing after the last run."""
    run_id = ""
    with snapshot():
        runs = list(Run.objects.filter(run_id__gt=after).order_by("run_id")[:BATCH])
        streams = Streams([run.run_id for run in runs])
        for run in runs:
            run_id = run.run_id
            report.runs += 1
            report.events += run.last_sequence
            report.differences += _verify_run(run, streams, report)
    return run_id


def _verify_run(run: Run, streams: Streams, report: Report) -> Iterator[str]:
    events = streams.events.of(run.run_id)
    story = Story(run.thread_id, whole=run.imported_at is None)
    problem = (chain_problem if story.whole else imported_problem)(run, events, story)
    deque(events, maxlen=0)
    rows = Rows.of(run.run_id, streams)
    report.decisions += len(rows.decisions)
    if problem:
        yield f"Run {run.run_id}: {problem}"  # and what its events tell is worth nothing
    else:
        yield from differences(run, story, rows)


def _verify_threads(after: str, report: Report) -> str:
    """The next threads: each counts its runs and says where the newest stands. Gives as `_verify_runs`."""
    thread_id = ""
    with snapshot():
        threads = list(Thread.objects.filter(thread_id__gt=after).order_by("thread_id")[:BATCH])
        own = Run.objects.filter(thread_id__in=[thread.thread_id for thread in threads])
        counted = own.order_by().values_list("thread_id").annotate(last=Max("position"), runs=Count("pk"))
        counts = {of: (last, runs) for of, last, runs in counted}
        latest = Run.objects.in_bulk([thread.latest_run_id for thread in threads])
        for thread in threads:
            thread_id = thread.thread_id
            report.threads += 1
            report.differences += _thread(thread, counts.get(thread_id), latest.get(thread.latest_run_id))
    return thread_id


def _thread(thread: Thread, counted: tuple[int, int] | None, latest: Run | None) -> Iterator[str]:
    about = f"Thread {thread.thread_id}"
    if (counted or (0, 0)) != (thread.run_count, thread.run_count):
        yield f"{about}: it counts {thread.run_count} runs, there are {counted[1] if counted else 0}."
    if counted is None and not thread.latest_run_id:
        return  # brought along without any run
    found = latest and (latest.thread_id, latest.position, latest.state)
    if found != (thread.thread_id, (counted or (0, 0))[0], thread.status):
        yield f"{about}: it says its newest run {thread.latest_run_id} is {thread.status}, that is {found}."


def _foreign_events() -> Iterator[str]:
    going = Tombstone.objects.filter(files_left=True).values("thread_id")  # the next sweep takes them away
    stray = Event.objects.exclude(run_id__in=Run.objects.values("run_id"))
    if count := stray.exclude(thread_id__in=going).count():
        yield f"{count} events belong to no run."


def _foreign_decisions() -> Iterator[str]:
    """Decisions outlive their thread, without what they say about arguments; its tombstone says that it was
    there."""
    run, stone = Run.objects.filter(pk=OuterRef("run_id")), Tombstone.objects.filter(pk=OuterRef("thread_id"))
    alone = DecisionRecord.objects.filter(~Exists(run))
    if count := alone.filter(~Exists(stone)).count():
        yield f"{count} decisions belong to no run and to no thread that was deleted."
    kept = Q(arguments_before__isnull=False) | Q(arguments_after__isnull=False)
    kept |= Q(content__isnull=False) | ~Q(reason="")
    if count := alone.filter(kept, Exists(stone)).count():
        yield f"{count} decisions on deleted threads say more than they should."


def _foreign_rows() -> Iterator[str]:
    """Rows that a database with its guards removed has let in."""
    run = Run.objects.filter(pk=OuterRef("run_id"))
    for model in BELONGINGS:
        rows = model._default_manager.filter(~Exists(run), run_id__isnull=False)
        if count := rows.count():
            yield f"{count} {model._meta.db_table} belong to no run."
    runs = Run.objects.filter(thread_id=OuterRef("thread_id"))
    loose = ThreadMessage.objects.filter(Exists(runs), run_id__isnull=True)
    if count := loose.filter(~Exists(runs.filter(imported_at__isnull=False))).count():
        yield f"{count} messages belong to no run of their thread."


def _counters() -> Iterator[str]:
    for name, (said, there) in wrong_counters().items():
        yield f"Counter {name}: it says {said}, {there} are there."
