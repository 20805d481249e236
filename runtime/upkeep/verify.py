"""Verification: recomputes what the rows say from the events; finds rows changed, removed, added or swapped.

It reads only. A run's state is replayed from its events; each event's hash covers its predecessor's; a
decision row must stand behind every approval that a person settled. Emptied payloads keep their hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from django.db.models import Max

from runtime import canonical
from runtime.events import EventType
from runtime.lifecycle import OUTCOME, RUN_MOVES, ApprovalStatus, CallState, Decision, RunState
from runtime.models import Approval, DecisionRecord, Event, Run, Thread, ToolCall

BATCH = 500
_DECIDED = {status.value: decision.value for decision, status in OUTCOME.items()}
_MOVES = frozenset(
    {EventType.RUN_QUEUED, EventType.RUN_DEQUEUED, EventType.RUN_STATE_CHANGED, EventType.RUN_RECOVERED}
)


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
    for batch in _batches(Run.objects.order_by("run_id").values_list("run_id", flat=True)):
        _verify_runs(batch, report)
    _verify_foreign_events(report)
    _verify_threads(report)
    return report


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for one in ids:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _verify_runs(run_ids: list[str], report: Report) -> None:
    runs = {run.run_id: run for run in Run.objects.filter(pk__in=run_ids)}
    found = Event.objects.filter(run_id__in=run_ids).order_by("run_id", "sequence")
    events = {run_id: list(rows) for run_id, rows in groupby(found.iterator(), key=lambda e: e.run_id)}
    for run_id, run in runs.items():
        report.runs += 1
        rows = events.get(run_id, [])
        report.events += len(rows)
        report.differences += [f"Run {run_id}: {problem}" for problem in chain_problems(run, rows)]
    _verify_calls(run_ids, report)


def chain_problems(run: Run, events: list[Event]) -> Iterator[str]:
    """What is wrong with a run's events, and where its row says something else."""
    state: RunState | None = None
    previous = b""
    for expected, event in enumerate(events, start=1):
        if event.sequence != expected:
            yield f"event {expected} is missing (event {event.sequence} follows {expected - 1})."
            return
        if event.event_json:
            previous = hashlib.sha256(previous + event.event_json.encode()).digest()
            if previous != bytes(event.hash):
                yield f"event {event.sequence} is not what was written, or one before it is not."
                return
            yield from _column_problems(run, event)
        elif event.type != EventType.OUTPUT_DELTA:
            yield f"event {event.sequence} ({event.type}) has lost its payload."
            return
        previous = bytes(event.hash)
        if event.type in _MOVES:
            old, new = event.body.get("from"), RunState(event.body["to"])
            if (state.value if state else None) != old or new not in RUN_MOVES[state]:
                yield f"event {event.sequence} moves from {old} to {new}, but the run was {state}."
            state = new
    if len(events) != run.last_sequence or previous != bytes(run.last_hash):
        yield f"the row counts {run.last_sequence} events, {len(events)} are there."
    if state is None or state.value != run.state:
        yield f"the row says {run.state}, the events say {state}."


def _column_problems(run: Run, event: Event) -> Iterator[str]:
    body = event.body
    said = (body.get("thread_id"), body.get("run_id"), body.get("sequence"), body.get("type"))
    if said != (run.thread_id, run.run_id, event.sequence, event.type):
        yield f"event {event.sequence} stands in a place that is not its own."


def _verify_calls(run_ids: list[str], report: Report) -> None:
    for call in ToolCall.objects.filter(run_id__in=run_ids).exclude(arguments_json=None):
        digest = canonical.call_digest(call.tool_name, call.tool_version, call.arguments)
        if digest != call.digest:
            report.differences.append(f"Tool call {call.tool_call_id}: its arguments do not fit its digest.")
    records: dict[str, list[DecisionRecord]] = {}
    for record in DecisionRecord.objects.filter(run_id__in=run_ids).order_by("id"):
        report.decisions += 1
        records.setdefault(record.approval_id, []).append(record)
    for approval in Approval.objects.filter(run_id__in=run_ids).select_related("tool_call"):
        found = [r.decision for r in records.get(approval.approval_id, [])]
        report.differences += [
            f"Approval {approval.approval_id}: {problem}" for problem in _approval_problems(approval, found)
        ]


def _approval_problems(approval: Approval, decisions: list[str]) -> Iterator[str]:
    expected = _DECIDED.get(approval.status)
    if decisions != ([expected] if expected else []):
        yield f"it is {approval.status}, its decisions are {decisions or 'none'}."
    ran = approval.tool_call.state in {CallState.STARTED, CallState.COMPLETED, CallState.FAILED}
    if ran and expected not in {Decision.APPROVE.value, Decision.EDIT.value}:
        yield f"its call ran, but it is {approval.status}."
    if approval.status == ApprovalStatus.PENDING and approval.resolved_at is not None:
        yield "it is pending, yet has a time of resolution."


def _verify_foreign_events(report: Report) -> None:
    stray = Event.objects.exclude(run_id__in=Run.objects.values("run_id")).count()
    if stray:
        report.differences.append(f"{stray} events belong to no run.")


def _verify_threads(report: Report) -> None:
    newest = dict(Run.objects.values_list("thread_id").annotate(position=Max("position")))
    states = {
        (thread_id, position): (run_id, state)
        for thread_id, position, run_id, state in Run.objects.values_list(
            "thread_id", "position", "run_id", "state"
        ).iterator()
        if newest[thread_id] == position
    }
    for thread in Thread.objects.iterator():
        report.threads += 1
        latest = states.get((thread.thread_id, newest.get(thread.thread_id, 0)))
        if latest != (thread.latest_run_id, thread.status):
            report.differences.append(
                f"Thread {thread.thread_id}: it says {thread.latest_run_id} is {thread.status}, "
                f"its newest run is {latest}."
            )
