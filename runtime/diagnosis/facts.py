"""What a diagnosis is made from, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Cause(StrEnum):
    """What a run's state comes from; the API's `diagnosis_cause`."""

    # queued
    NO_WORKER = "no_worker"  #: no worker process is alive
    WORKSPACE_BROKEN = "workspace_broken"  #: the workspace cannot be read
    BEHIND_EARLIER = "behind_earlier"  #: an earlier run of its thread has not ended
    PROVIDER = "provider"  #: the model's provider gave no reply; the next try has a time
    NO_SLOT = "no_slot"  #: every slot of every worker is taken
    AGENT_LIMIT = "agent_limit"  #: its agent has as many runs at work as it may have
    RECOVERED = "recovered"  #: its worker was lost; it is queued again
    HANDED_BACK = "handed_back"  #: its worker stopped in order
    DECIDED = "decided"  #: a person decided; the run goes on from there
    EXPIRED = "expired"  #: an approval ran out; the model is told
    STARTING = "starting"  #: queued just now
    NOT_TAKEN = "not_taken"  #: due, a slot is free, and still nobody takes it
    # running
    MODEL = "model"  #: the model is asked, or answers
    MODEL_SLOW = "model_slow"  #: the model has said nothing for long
    TOOL = "tool"  #: a tool is at work
    TRYING_AGAIN = "trying_again"  #: the provider gave no reply; tried again in place
    AT_WORK = "at_work"  #: between two steps
    WORKER_LOST = "worker_lost"  #: the lease is over
    WORKER_SILENT = "worker_silent"  #: the worker is gone, its lease is not over yet
    CLOCK_AHEAD = "clock_ahead"  #: the lease was set by a clock that is far ahead
    # waiting
    APPROVAL = "approval"  #: a person decides
    APPROVAL_OVERDUE = "approval_overdue"  #: a deadline has passed; the next sweep settles it
    TOOL_OFF = "tool_off"  #: a person decides about a tool that does not work on this machine
    NOTHING_PENDING = "nothing_pending"  #: it waits, and nothing is pending
    CHILD = "child"  #: a subagent's run has to end
    DOUBT = "doubt"  #: nobody knows whether a call happened
    # ended
    COMPLETED = "completed"  #: with an answer
    UNCLOSED = "unclosed"  #: completed, without closing words
    CANCELLED = "cancelled"  #: by a person
    NEVER_SETTLED = "never_settled"  #: cancelled while a call was in doubt
    CUT = "cut"  #: the answer reached its length limit
    WITHHELD = "withheld"  #: the provider held the answer back
    SILENT = "silent"  #: the model said nothing
    KEY_REFUSED = "key_refused"  #: 401, 403
    NOT_THERE = "not_there"  #: 404: no such model or address
    MISCONFIGURED = "misconfigured"  #: address, key or kind of provider cannot be used
    CONTEXT_OVERFLOW = "context_overflow"  #: the transcript is longer than the model's window
    RATE_LIMITED = "rate_limited"  #: 429 at every try
    UNREACHABLE = "unreachable"  #: no connection, at every try
    PROVIDER_TROUBLE = "provider_trouble"  #: the provider failed at every try
    BROKE_OFF = "broke_off"  #: the reply had begun and was cut off
    TOO_SLOW = "too_slow"  #: a time limit of the model call passed
    BAD_ANSWER = "bad_answer"  #: what answers does not speak the protocol
    LIMIT = "limit"  #: a limit of the workspace stopped it
    POISON = "poison"  #: several workers in a row lost it
    INTERNAL = "internal"  #: a defect; the server's log has it
    FAILED = "failed"  #: the run's error says it


class Act(StrEnum):
    """What a person can safely do next; the API's `diagnosis_act`."""

    WAIT = "wait"  #: nothing: it goes on by itself
    DECIDE = "decide"  #: decide about the calls that wait
    RESOLVE = "resolve"  #: say whether the call in doubt happened
    RETRY = "retry"  #: run the same request again
    CONTINUE = "continue"  #: send the next message in the thread
    NEW_THREAD = "new_thread"  #: ask again in a thread of its own
    CANCEL = "cancel"  #: cancel the run
    OPEN_BLOCKER = "open_blocker"  #: look at the run that has to end first
    START_WORKER = "start_worker"  #: start a worker
    CHECK_HEALTH = "check_health"  #: look at the workers
    CHECK_WORKSPACE = "check_workspace"  #: look at agents, models and limits
    READ_EVENTS = "read_events"  #: look at what happened, event by event
    NONE = "none"  #: there is nothing to do


@dataclass(frozen=True, slots=True)
class Asked:
    """A pending approval."""

    tool_name: str
    requested_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that has started, or that is in doubt."""

    tool_name: str
    state: str
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Blocker:
    """The earlier run of the thread, or the subagent's, that has to end first."""

    run_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Worker:
    """The worker that holds the run."""

    heartbeat_at: datetime
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One run. Times are moments; `lease_until` is None when free."""

    state: str
    since: datetime
    created_at: datetime
    reason: str = ""
    previous_state: str = ""
    agent: str = ""
    output: str | None = None
    error: str | None = None
    attempts: int = 0  #: claims in a row without progress
    model_attempts: int = 0
    steps: int = 0  #: checkpoints written
    fault: str = ""  #: what the last try of the model call met
    next_try_at: datetime | None = None
    sharing: int = 0  #: other queued runs that met the same fault of the same model
    lease_owner: str = ""
    lease_until: datetime | None = None
    worker: Worker | None = None
    blocker: Blocker | None = None
    pending: tuple[Asked, ...] = ()
    open_call: Call | None = None  #: started or in doubt
    last_event: str = ""  #: of a running run: what it does
    last_event_at: datetime | None = None
    checkpoint_gone: bool = False  #: maintenance removed the checkpoints


@dataclass(frozen=True, slots=True)
class House:
    """What holds for all runs at `moment`."""

    moment: datetime
    lease_seconds: float = 30.0
    sweep_seconds: float = 15.0
    attempts: int = 5  #: workers in a row that may lose a run
    workers: int = 1  #: alive
    slots: int = 4  #: of all of them
    busy: int = 0  #: runs at work
    workspace_problem: str = ""  #: the first one; empty when it can be read
    full_agents: frozenset[str] = frozenset()  #: at their limit of runs at once
    missing_tools: Mapping[str, str] = field(default_factory=dict)  #: name → why it does not work here


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`target`: the run that the act `open_blocker` opens."""

    cause: Cause
    sentence: str
    act: Act
    target: str = ""
