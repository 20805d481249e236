"""States of run, approval and tool call, and the tables of allowed moves: pure data and checks."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"  #: waits for a free slot, or for the time of its next try
    RUNNING = "running"  #: a worker holds its lease
    WAITING_FOR_APPROVAL = "waiting_for_approval"  #: a person decides about its tool calls
    WAITING_FOR_CHILD = "waiting_for_child"  #: a subagent's run has to end first
    IN_DOUBT = "in_doubt"  #: a crash hid the outcome of a side effect; a person resolves it
    COMPLETED = "completed"  #: ended with an answer
    FAILED = "failed"  #: ended with an error
    CANCELLED = "cancelled"  #: ended by a person


class Why(StrEnum):
    """Why a run entered its state, where more than a person's act is behind it: the diagnosis goes by it."""

    CREATED = "created"
    CLAIMED = "claimed"
    DECIDED = "every tool call is decided"
    EXPIRED = "an approval expired"
    NEXT_TRY = "waits for the next try of the model call"
    LEASE_OVER = "the worker's lease ran out"
    WORKER_DIED = "the supervisor saw its worker die"
    STOPPING = "the worker is stopping"
    WORKSPACE = "the workspace is broken"
    ANSWERED = "the model answered"
    UNCLOSED = "the model ended without a closing answer"
    CUT = "the model's answer was cut"
    WITHHELD = "the model's answer was withheld"
    SILENT = "the model said nothing"
    MODEL_FAILED = "the model call failed"
    POISON = "too many attempts"
    CALLS_LIMIT = "too many tool calls in one reply"
    EVENTS_LIMIT = "too many events"
    TURNS_LIMIT = "too many model calls"
    TIME_LIMIT = "too much time"
    INTERNAL = "an internal error"


class ApprovalStatus(StrEnum):
    """Where an approval stands; all but `pending` are final."""

    PENDING = "pending"  #: nobody decided yet
    APPROVED = "approved"  #: the call runs as shown
    EDITED = "edited"  #: the call runs with the reviewer's arguments
    REJECTED = "rejected"  #: the call does not run; the model reads the reason
    RESPONDED = "responded"  #: the reviewer's answer stands in for the tool's result
    EXPIRED = "expired"  #: the deadline passed; the model reads "expired, not decided"
    CANCELLED = "cancelled"  #: the run was cancelled or its thread deleted


class CallState(StrEnum):
    """Where a tool call stands."""

    WAITING = "waiting"  #: its approval is pending
    GRANTED = "granted"  #: may start, by a rule or a decision
    REFUSED = "refused"  #: never runs: malformed, denied, rejected or expired; the model is told why
    ANSWERED = "answered"  #: never runs: a reviewer's answer stands in for the result
    STARTED = "started"  #: the executor began; no result is known
    COMPLETED = "completed"  #: the tool returned
    FAILED = "failed"  #: the tool said no, or broke
    IN_DOUBT = "in_doubt"  #: started, then a crash; nobody knows whether it happened
    CANCELLED = "cancelled"  #: its run was cancelled before or while it ran


class Decision(StrEnum):
    """What a reviewer may say to a tool call."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"


OUTCOME: Mapping[Decision, ApprovalStatus] = {
    Decision.APPROVE: ApprovalStatus.APPROVED,
    Decision.EDIT: ApprovalStatus.EDITED,
    Decision.REJECT: ApprovalStatus.REJECTED,
    Decision.RESPOND: ApprovalStatus.RESPONDED,
}

WAITING = frozenset({RunState.WAITING_FOR_APPROVAL, RunState.WAITING_FOR_CHILD, RunState.IN_DOUBT})
TERMINAL = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED})
ACTIVE = frozenset(RunState) - TERMINAL

_ENDS = {RunState.FAILED, RunState.CANCELLED}

#: What may follow what. Nothing follows a terminal state; None is "before the first".
RUN_MOVES: Mapping[RunState | None, frozenset[RunState]] = {
    None: frozenset({RunState.QUEUED}),
    RunState.QUEUED: frozenset({RunState.RUNNING, *_ENDS}),
    RunState.RUNNING: frozenset({RunState.QUEUED, RunState.COMPLETED, *WAITING, *_ENDS}),
    RunState.WAITING_FOR_APPROVAL: frozenset({RunState.QUEUED, *_ENDS}),
    RunState.WAITING_FOR_CHILD: frozenset({RunState.QUEUED, *_ENDS}),
    RunState.IN_DOUBT: frozenset({RunState.QUEUED, RunState.WAITING_FOR_APPROVAL, *_ENDS}),
    RunState.COMPLETED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
}

_CALL_ENDS = {CallState.COMPLETED, CallState.FAILED, CallState.CANCELLED}

CALL_MOVES: Mapping[CallState, frozenset[CallState]] = {
    CallState.WAITING: frozenset(
        {CallState.GRANTED, CallState.REFUSED, CallState.ANSWERED, CallState.CANCELLED}
    ),
    # A grant can be refused by the executor: the rule was withdrawn, or the digest does not fit.
    CallState.GRANTED: frozenset({CallState.STARTED, CallState.REFUSED, CallState.CANCELLED}),
    CallState.REFUSED: frozenset({CallState.CANCELLED}),
    CallState.ANSWERED: frozenset({CallState.CANCELLED}),
    # started -> started: a repeatable tool runs again after a crash.
    CallState.STARTED: frozenset({CallState.STARTED, CallState.IN_DOUBT, *_CALL_ENDS}),
    CallState.IN_DOUBT: frozenset({CallState.COMPLETED, CallState.WAITING, CallState.CANCELLED}),
    CallState.COMPLETED: frozenset(),
    CallState.FAILED: frozenset(),
    CallState.CANCELLED: frozenset(),
}


class IllegalMove(Exception):
    """A state change that the tables do not allow; nothing was written."""


def check_run_move(old: RunState | None, new: RunState) -> None:
    """Raises IllegalMove unless a run may go from `old` to `new`."""
    if new not in RUN_MOVES[old]:
        raise IllegalMove(f"A run cannot go from {old or 'nothing'} to {new}.")


def check_call_move(old: CallState, new: CallState) -> None:
    """Raises IllegalMove unless a tool call may go from `old` to `new`."""
    if new not in CALL_MOVES[old]:
        raise IllegalMove(f"A tool call cannot go from {old} to {new}.")
