"""Verification: recomputes what the rows say from the events; finds rows changed, removed, added or swapped.

It reads only. A run's state is replayed from its events; each event's hash covers its predecessor's; a
decision row must stand behind every approval that a person settled here. Emptied payloads keep their hash.
What the counters say is counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Max

from runtime import canonical
from runtime.events import EventType
from runtime.journal.transaction import snapshot
from runtime.lifecycle import OUTCOME, RUN_MOVES, ApprovalStatus, CallState, Decision, RunState
from runtime.models import Approval, DecisionRecord, Event, Run, Thread, Tombstone, ToolCall
from runtime.models.counters import wrong_counters

BATCH = 100
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
    for batch in _batches(list(Run.objects.order_by("run_id").values_list("run_id", flat=True))):
        with snapshot():
            _verify_runs(batch, report)
    with snapshot():
        _verify_foreign_events(report)
        _verify_threads(report)
        _verify_counters(report)
    return report


def _batches(ids: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(ids), BATCH):
        yield ids[begin : begin + BATCH]


def _verify_runs(run_ids: list[str], report: Report) -> None:
    for run in Run.objects.filter(pk__in=run_ids):
        report.runs += 1
        events = Event.objects.of_run(run.run_id).iterator(chunk_size=1000)
        problems = chain_problems if run.imported_at is None else imported_problems
        report.differences += [f"Run {run.run_id}: {problem}" for problem in problems(run, events)]
        report.events += run.last_sequence
    _verify_calls(run_ids, report)


def chain_problems(run: Run, events: Iterable[Event]) -> Iterator[str]:
    """What is wrong with a run's events, and where its row says something else."""
    state: RunState | None = None
    previous = b""
    count = 0
    for event in events:
        count += 1
        problem = _link_problem(run, event, count, previous)
        if problem:
            yield problem
            return
        previous = bytes(event.hash)
        if event.type in _MOVES:
            old, new = event.body.get("from"), RunState(event.body["to"])
            if (state.value if state else None) != old or new not in RUN_MOVES[state]:
                yield f"event {event.sequence} moves from {old} to {new}, but the run was {state}."
            state = new
    if count != run.last_sequence or previous != bytes(run.last_hash):
        yield f"the row counts {run.last_sequence} events, {count} are there."
    if state is None or state.value != run.state:
        yield f"the row says {run.state}, the events say {state}."


def imported_problems(run: Run, events: Iterable[Event]) -> Iterator[str]:
    """The same for a run that was brought along: its events may have gaps and other words, so that they are
    held to their order and to the chain that was laid over them as they came."""
    last, previous = -1, b""
    for event in events:
        told = event.event_json or not run.is_terminal
        if told and hashlib.sha256(previous + event.event_json.encode()).digest() != bytes(event.hash):
            yield f"event {event.sequence} is not what was brought along, or one before it is not."
            return
        last, previous = event.sequence, bytes(event.hash)
    if last != (run.last_sequence if previous else -1) or previous != bytes(run.last_hash):
        yield f"the row's last event is {run.last_sequence}, the last one there is {last}."


def _link_problem(run: Run, event: Event, expected: int, previous: bytes) -> str:
    """What is wrong with one event of the chain; empty when nothing is."""
    if event.sequence != expected:
        return f"event {expected} is missing (event {event.sequence} follows {expected - 1})."
    if not event.event_json:
        emptied = event.type == EventType.OUTPUT_DELTA and run.is_terminal
        return "" if emptied else f"event {expected} has lost its payload."
    if hashlib.sha256(previous + event.event_json.encode()).digest() != bytes(event.hash):
        return f"event {expected} is not what was written, or one before it is not."
    body = event.body
    said = (body.get("thread_id"), body.get("run_id"), body.get("sequence"), body.get("type"))
    if said != (run.thread_id, run.run_id, event.sequence, event.type):
        return f"event {expected} stands in a place that is not its own."
    return ""


def _verify_calls(run_ids: list[str], report: Report) -> None:
    for call in ToolCall.objects.filter(run_id__in=run_ids).exclude(arguments_json=None):
        try:
            digest = canonical.call_digest(call.tool_name, call.tool_version, call.arguments)
        except canonical.BadJson:
            digest = ""
        if digest != call.digest:
            report.differences.append(f"Tool call {call.tool_call_id}: its arguments do not fit its digest.")
    records: dict[str, list[DecisionRecord]] = {}
    for record in DecisionRecord.objects.filter(run_id__in=run_ids).order_by("id"):
        report.decisions += 1
        records.setdefault(record.approval_id, []).append(record)
    for approval in Approval.objects.filter(run_id__in=run_ids).select_related("tool_call", "run"):
        if _decided_elsewhere(approval):
            continue
        found = [r.decision for r in records.get(approval.approval_id, [])]
        report.differences += [
            f"Approval {approval.approval_id}: {problem}" for problem in _approval_problems(approval, found)
        ]


def _decided_elsewhere(approval: Approval) -> bool:
    """Before it was brought along; who decided it is not known here."""
    brought, decided = approval.run.imported_at, approval.resolved_at
    return brought is not None and decided is not None and decided <= brought


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
    going = Tombstone.objects.filter(files_left=True).values("thread_id")  # the next sweep takes them away
    stray = Event.objects.exclude(run_id__in=Run.objects.values("run_id"))
    if count := stray.exclude(thread_id__in=going).count():
        report.differences.append(f"{count} events belong to no run.")


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


def _verify_counters(report: Report) -> None:
    for name, (said, there) in wrong_counters().items():
        report.differences.append(f"Counter {name}: it says {said}, {there} are there.")
