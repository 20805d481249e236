"""What a run's events say about its rows. Pure.

A row is told as `{column: value}`; times are texts as events have them. A frozenset stands for any of its
values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.events import EventType
from runtime.journal.settle import EXPIRED
from runtime.lifecycle import (
    OUTCOME,
    RUN_MOVES,
    TERMINAL,
    WAITING,
    ApprovalStatus,
    CallState,
    Decision,
    RunState,
)
from runtime.providers import MOST_TOKENS

Row = dict[str, Any]
Body = Mapping[str, Any]

#: What a decision does to its call.
_DECIDED = {
    Decision.APPROVE: CallState.GRANTED,
    Decision.EDIT: CallState.GRANTED,
    Decision.REJECT: CallState.REFUSED,
    Decision.RESPOND: CallState.ANSWERED,
}
_STARTABLE = {CallState.GRANTED, CallState.STARTED}
_STOPS = {RunState.FAILED, RunState.CANCELLED}  #: these leave no call open; a completed run had none
_FRESH = {"attempt": 0, "idempotency_key": "", "worker": "", "started_at": None}
_UNANSWERED = {"result": None, "error": None, "finished_at": None, "duration_ms": None}


@dataclass(frozen=True)
class Said:
    """A message that an event came with."""

    role: str
    at: str
    digest: str | None  #: of its content; None in older records
    turn: int = 0  #: of a reply that was taken: which one of the run, from 1
    sure: bool = True  #: False: an older record does not say whether there was one


@dataclass
class Story:
    """The rows of a run as its events tell of them. Not `whole`: it was brought along, and its story begins
    somewhere in the middle."""

    thread_id: str
    whole: bool = True
    run: Row = field(default_factory=dict)
    outcome: str | None = None  #: digest of output and error
    request: str | None = None  #: digest of what was asked, and of the agent as it was then
    calls: dict[str, Row] = field(default_factory=dict)
    approvals: dict[str, Row] = field(default_factory=dict)
    decisions: dict[str, Row] = field(default_factory=dict)  #: by their approval
    shown: dict[str, Row] = field(default_factory=dict)  #: by approval: what the person saw and made of it
    artifacts: dict[str, Row] = field(default_factory=dict)
    messages: list[Said] = field(default_factory=list)
    turns: list[int | None] = field(default_factory=list)  #: how many calls each reply had
    problems: list[str] = field(default_factory=list)
    digests: bool = False  #: the run's messages have digests
    _asked: dict[str, str] = field(default_factory=dict)  #: the last approval of a call

    def hear(self, event: Body) -> None:
        """The next event of the run."""
        told = _TOLD.get(event["type"])
        if told is not None:
            told(self, event)

    def unheard(self) -> Row:
        """A call that no event tells of: allowed or refused by a rule, and its turn has not come."""
        state, ended = frozenset({CallState.GRANTED.value, CallState.REFUSED.value}), None
        if self.run.get("state") in _STOPS:
            state, ended = frozenset({CallState.CANCELLED.value}), self.run["state_entered_at"]
        row = {"thread_id": self.thread_id, **_FRESH, **_UNANSWERED}
        return {**row, "state": state, "finished_at": ended}

    # The run

    def _created(self, event: Body) -> None:
        if not self.whole:
            self.problems.append("the row says that it was brought along, and it was made here.")
        _put(self.run, **_of(event, "agent_id", "requested_by"), created_at=event["timestamp"])
        _put(self.run, turns=0, input_tokens=0, output_tokens=0)
        if "retried_from" in event:  # with that run's thread, the row forgets it
            self.run["retried_from_id"] = frozenset({event["retried_from"], None})
        self.request = event.get("request_digest")
        self.digests = "message_digest" in event
        self._says("user", event)

    def _moved(self, event: Body) -> None:
        old, new, at = event.get("from"), RunState(event["to"]), event["timestamp"]
        if self.whole:
            known = self.run.get("state")
            if known != old or new not in RUN_MOVES[None if known is None else RunState(known)]:
                self.problems.append(f"event {event['sequence']} moves from {old}, but the run was {known}.")
        _put(self.run, state=new.value, previous_state=old, state_reason=event.get("reason"))
        _put(self.run, state_entered_at=at, last_transition_at=at, resumable=new in WAITING)
        self.outcome = event.get("outcome_digest")
        if new in _STOPS:
            for call in self.calls.values():
                if call.get("finished_at") is None and call["state"] != CallState.IN_DOUBT:
                    _put(call, state=CallState.CANCELLED.value, finished_at=at)

    def _replied(self, event: Body) -> None:
        self.turns.append(event.get("tool_calls"))
        self._used(event)
        if self.whole:
            self.run["turns"] += 1
        self._says("assistant", event, turn=len(self.turns))

    def _failed(self, event: Body) -> None:
        self._used(event)
        if "message_digest" in event or not self.digests:
            self._says("assistant", event, sure="message_digest" in event)

    def _used(self, event: Body) -> None:
        for name, count in (event.get("usage") or {}).items() if self.whole else ():
            self.run[name] = min(self.run[name] + count, MOST_TOKENS)

    def _says(self, role: str, event: Body, **more: Any) -> None:
        self.messages.append(Said(role, event["timestamp"], event.get("message_digest"), **more))

    # Its calls

    def _call(self, event: Body) -> Row:
        fresh = {**_FRESH, **_UNANSWERED} if self.whole else {}
        _put(fresh, thread_id=self.thread_id, tool_name=event["tool_name"], state="")
        return self.calls.setdefault(event["tool_call_id"], fresh)

    def _started(self, event: Body) -> None:
        call, asked = self._call(event), self._asked.get(event["tool_call_id"])
        if call["state"] and call["state"] not in _STARTABLE:
            self.problems.append(f"event {event['sequence']} starts a call that is {call['state']}.")
        if asked in self.decisions and call["state"] == CallState.GRANTED:
            self.decisions[asked]["spent_at"] = event["timestamp"]
        _put(call, **_of(event, "attempt", "idempotency_key", "worker"), state=CallState.STARTED.value)
        _put(call, started_at=event["timestamp"], digest=event["arguments_digest"])

    def _answered(self, event: Body) -> None:
        self._finished(event, CallState.COMPLETED, CallState.ANSWERED, result=event["result"])

    def _refused(self, event: Body) -> None:
        self._finished(event, CallState.FAILED, CallState.REFUSED, error=event["error"])

    def _finished(self, event: Body, ran: CallState, never_ran: CallState, **text: str) -> None:
        call = self._call(event)
        did = call["state"] in (CallState.STARTED, ran)
        _put(call, state=(ran if did else never_ran).value, finished_at=event["timestamp"], **text)
        _put(call, **_of(event, "duration_ms", "attempt"), digest=event["arguments_digest"])
        self._says("tool", event)

    def _doubted(self, event: Body) -> None:
        self._call(event)["state"] = CallState.IN_DOUBT.value

    def _cleared(self, event: Body) -> None:
        happened, over = event["outcome"] == "happened", self.run.get("state") in TERMINAL
        open_again = CallState.CANCELLED if over else CallState.WAITING
        call = self._call(event)
        _put(call, state=(CallState.COMPLETED if happened else open_again).value)
        if over:
            _put(call, finished_at=event["timestamp"], **_of(event, "result"))

    def _kept(self, event: Body) -> None:
        told = _of(event, "path", "artifact_id", "stored_name", "size", "sha256", "kind")
        _put(told, thread_id=self.thread_id, created_at=event["timestamp"])
        self.artifacts[event["path"]] = told  # the last one of a path

    # What people were asked

    def _requested(self, event: Body) -> None:
        digest, at = event["arguments_digest"], event["timestamp"]
        approval = {
            **self._about(event),
            "status": ApprovalStatus.PENDING.value,
            **_of(event, "rule", "expires_at"),
            "rule_reason": event.get("reason"),
            "digest": digest,
            "requested_at": at,
            "resolved_at": None,
            "event_refs_json": [event["sequence"]],
        }
        if "allowed_decisions" in event:
            approval["allowed_decisions_json"] = event["allowed_decisions"]
        self.approvals[event["approval_id"]] = approval
        self._asked[event["tool_call_id"]] = event["approval_id"]
        _put(self._call(event), state=CallState.WAITING.value, digest=digest)

    def _resolved(self, event: Body) -> None:
        said = event["decision"]
        if said == ApprovalStatus.CANCELLED:
            self._settled(event, ApprovalStatus.CANCELLED)
            return
        decision, digest = Decision(said), event.get("arguments_digest")
        self._settled(event, OUTCOME[decision])
        self.decisions[event["approval_id"]] = {
            **self._about(event),
            **_of(event, "decision", "decided_by", "source", "address"),
            "decided_at": event["timestamp"],
            "reason": event.get("reason") or "",
            "spent_at": None,
        }
        self.shown[event["approval_id"]] = {"made": digest, "content": event.get("content_digest")}
        call = self._call(event)
        call["state"] = _DECIDED[decision].value
        if digest is not None:
            call["digest"] = digest
        elif decision is Decision.EDIT:
            call.pop("digest", None)  # an older record: known again when it starts

    def _expired(self, event: Body) -> None:
        self._settled(event, ApprovalStatus.EXPIRED)
        _put(self._call(event), state=CallState.REFUSED.value, answer=EXPIRED)

    def _settled(self, event: Body, status: ApprovalStatus) -> None:
        approval = self.approvals.setdefault(event["approval_id"], self._about(event))
        _put(approval, status=status.value, resolved_at=event["timestamp"])
        if "event_refs_json" in approval:
            approval["event_refs_json"].append(event["sequence"])

    def _about(self, event: Body) -> Row:
        return {"thread_id": self.thread_id, **_of(event, "tool_call_id", "tool_name")}


def _put(row: Row, **told: Any) -> None:
    row |= told


def _of(event: Body, *names: str) -> Row:
    """What the event says of these; an older one may say less."""
    return {name: event[name] for name in names if name in event}


_TOLD: Mapping[str, Callable[[Story, Body], None]] = {
    EventType.RUN_CREATED: Story._created,
    EventType.RUN_QUEUED: Story._moved,
    EventType.RUN_DEQUEUED: Story._moved,
    EventType.RUN_STATE_CHANGED: Story._moved,
    EventType.RUN_RECOVERED: Story._moved,
    EventType.MODEL_COMPLETED: Story._replied,
    EventType.MODEL_FAILED: Story._failed,
    EventType.TOOL_STARTED: Story._started,
    EventType.TOOL_COMPLETED: Story._answered,
    EventType.TOOL_FAILED: Story._refused,
    EventType.TOOL_IN_DOUBT: Story._doubted,
    EventType.TOOL_RESOLVED: Story._cleared,
    EventType.APPROVAL_REQUESTED: Story._requested,
    EventType.APPROVAL_RESOLVED: Story._resolved,
    EventType.APPROVAL_EXPIRED: Story._expired,
    EventType.ARTIFACT_CREATED: Story._kept,
}
