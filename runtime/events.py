"""The event vocabulary: what can be noted about a run, and which fields each note carries. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from runtime.lifecycle import RunState

#: Fields of every event, put there by the journal.
COMMON = ("type", "thread_id", "run_id", "sequence", "timestamp")


class EventType(StrEnum):
    """Past tense: each one says what has happened."""

    RUN_CREATED = "run.created"  #: a person, schedule or parent asked for the run
    RUN_QUEUED = "run.queued"  #: the run may be claimed (again), at `next_try_at` if given
    RUN_DEQUEUED = "run.dequeued"  #: a worker claimed the run
    RUN_STATE_CHANGED = "run.state.changed"  #: any other move: to waiting, in doubt, or an end
    RUN_RECOVERED = "run.recovered"  #: the lease ran out; the run is queued again
    RUN_CANCEL_REQUESTED = "run.cancel.requested"  #: a person cancelled; says what was stopped
    MODEL_STARTED = "model.started"  #: a model call is about to be made
    MODEL_RETRIED = "model.retried"  #: a model call failed before its first token; it is tried again
    MODEL_COMPLETED = "model.completed"  #: the model's reply is complete and recorded
    MODEL_FAILED = "model.failed"  #: a model call failed for good
    OUTPUT_DELTA = "output.delta"  #: a piece of streamed text
    TOOL_STARTED = "tool.started"  #: a tool call begins; its decision is spent
    TOOL_COMPLETED = "tool.completed"  #: a result is known
    TOOL_FAILED = "tool.failed"  #: the call gave no result: refused, rejected or broken
    TOOL_IN_DOUBT = "tool.in_doubt"  #: started before a crash; the outcome is unknown
    TOOL_RESOLVED = "tool.resolved"  #: a person said whether it happened
    APPROVAL_REQUESTED = "approval.requested"  #: a person is asked
    APPROVAL_RESOLVED = "approval.resolved"  #: a person decided, or a cancel did away with it
    APPROVAL_EXPIRED = "approval.expired"  #: the deadline passed undecided
    ARTIFACT_CREATED = "artifact.created"  #: a file was kept
    CHILD_STARTED = "child.started"  #: a subagent's run was created
    CHILD_COMPLETED = "child.completed"  #: a subagent's run ended


_MOVE = frozenset({"from", "to", "reason"})
_MODEL = frozenset(
    {"call", "model", "attempt", "usage", "error", "fault", "status", "duration_ms", "next_try_at"}
)
_TOOL = frozenset(
    {"tool_call_id", "tool_name", "attempt", "arguments_digest", "result", "error", "duration_ms"}
)
_APPROVAL = frozenset({"approval_id", "tool_call_id", "tool_name", "decision", "decided_by", "reason"})
#: SHA-256 of the canonical JSON of the content of the message that comes with the event, if one does.
_SAYS = frozenset({"message_digest"})
_FROM = frozenset({"source", "address"})  #: page, api, command or system; the person's or program's address

#: The fields an event of a type may carry beside the common ones.
PAYLOADS: Mapping[EventType, frozenset[str]] = {
    EventType.RUN_CREATED: _FROM | _SAYS | {"agent_id", "retried_from", "requested_by", "request_digest"},
    EventType.RUN_QUEUED: _MOVE | {"next_try_at"},
    EventType.RUN_DEQUEUED: _MOVE | {"worker", "attempt"},
    EventType.RUN_STATE_CHANGED: _MOVE | {"outcome_digest"},  # at an end: of {"output", "error"}
    EventType.RUN_RECOVERED: _MOVE,
    EventType.RUN_CANCEL_REQUESTED: frozenset({"requested_by", "reason", "stopped"}) | _FROM,
    EventType.MODEL_STARTED: _MODEL,
    EventType.MODEL_RETRIED: _MODEL,
    EventType.MODEL_COMPLETED: _MODEL | {"reply_model", "finish_reason", "tool_calls"} | _SAYS,
    EventType.MODEL_FAILED: _MODEL | _SAYS,
    EventType.OUTPUT_DELTA: frozenset({"text", "call"}),
    EventType.TOOL_STARTED: _TOOL | {"worker", "idempotency_key"},
    EventType.TOOL_COMPLETED: _TOOL | {"answered_by"} | _SAYS,
    EventType.TOOL_FAILED: _TOOL | _SAYS,
    EventType.TOOL_IN_DOUBT: _TOOL,
    EventType.TOOL_RESOLVED: _TOOL | {"outcome", "resolved_by"} | _FROM,
    EventType.APPROVAL_REQUESTED: _APPROVAL | {"rule", "arguments_digest", "expires_at", "allowed_decisions"},
    # Of the arguments as they were decided; of what the reviewer said in the place of a result.
    EventType.APPROVAL_RESOLVED: _APPROVAL | _FROM | {"arguments_digest", "content_digest"},
    EventType.APPROVAL_EXPIRED: _APPROVAL,
    EventType.ARTIFACT_CREATED: frozenset(
        {"artifact_id", "path", "stored_name", "size", "sha256", "kind", "tool_call_id"}
    ),
    EventType.CHILD_STARTED: frozenset({"child_run_id", "agent_id", "tool_call_id"}),
    EventType.CHILD_COMPLETED: frozenset({"child_run_id", "state", "tool_call_id"}),
}


class UnknownPayload(Exception):
    """An event was given a field that its type does not carry: a mistake in our code."""


def check_payload(kind: EventType, payload: Mapping[str, object]) -> None:
    """Raises UnknownPayload when `payload` has a field that events of this type do not carry."""
    extra = payload.keys() - PAYLOADS[kind]
    if extra:
        raise UnknownPayload(f"{kind} does not carry {', '.join(sorted(extra))}.")


def move_event(old: RunState | None, new: RunState) -> EventType:
    """The type of the one event that a move writes (a recovery names its own)."""
    if new is RunState.QUEUED:
        return EventType.RUN_QUEUED
    if new is RunState.RUNNING:
        return EventType.RUN_DEQUEUED
    return EventType.RUN_STATE_CHANGED


def iso(moment: datetime) -> str:
    """ISO 8601 with `Z`, microseconds, of a time in UTC."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_iso(stamp: str) -> datetime:
    """The other way round, also for another program's times; without a zone they are in UTC. Raises
    ValueError."""
    found = datetime.fromisoformat(stamp)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
