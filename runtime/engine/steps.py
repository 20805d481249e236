"""What a run does next, decided from its rows alone. Pure: knows no clock, no database, no provider."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.lifecycle import CallState, Why


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call of the run's last reply that has no result in the transcript yet."""

    call_id: str
    state: CallState
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a run stands."""

    open_calls: tuple[OpenCall, ...]  #: in the order of the reply
    turns: int  #: replies the run has had
    max_turns: int
    events: int
    max_events: int
    seconds: float = 0.0  #: of work so far, counted where there is a limit
    max_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask the model; `call` counts the run's model calls from 1."""

    call: int


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a granted call, or run a repeatable one again that a crash cut off."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell the model about calls that do not run: refused, rejected, expired, answered by a person."""

    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Park:
    """A person has to decide first."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A call started, then its worker was lost; nobody knows whether it happened."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Fail:
    """A limit stops the run; `error` says which, how much, and where it is set."""

    why: Why
    error: str


Step = CallModel | RunTool | Answer | Park | Doubt | Fail

_TOLD = frozenset({CallState.REFUSED, CallState.ANSWERED})


def next_step(situation: Situation) -> Step:
    """The one thing to do next. Calls of a reply are taken in its order, and none while one still waits."""
    if situation.events >= situation.max_events:
        return Fail(
            Why.EVENTS_LIMIT,
            f"The run has {situation.events} events; the limit is {situation.max_events} "
            "(spec.limits.events_per_run in workspace.yaml).",
        )
    if situation.max_seconds is not None and situation.seconds >= situation.max_seconds:
        return Fail(
            Why.TIME_LIMIT,
            f"The run has worked for {situation.seconds:,.0f} s; the limit is {situation.max_seconds:,g} s "
            "(spec.limits.run_seconds in workspace.yaml).",
        )
    calls = situation.open_calls
    if calls:
        return _next_call(calls)
    if situation.turns >= situation.max_turns:
        return Fail(
            Why.TURNS_LIMIT,
            f"The model was called {situation.turns} times without finishing; the limit is "
            f"{situation.max_turns}, set by the agent's spec.max_turns or by spec.limits.model_turns of the "
            "workspace.",
        )
    return CallModel(situation.turns + 1)


def _next_call(calls: tuple[OpenCall, ...]) -> Step:
    if any(call.state is CallState.WAITING for call in calls):
        return Park()
    first = calls[0]
    if first.state in _TOLD:
        told = []
        for call in calls:
            if call.state not in _TOLD:
                break
            told.append(call.call_id)
        return Answer(tuple(told))
    if first.state is CallState.GRANTED or (first.state is CallState.STARTED and first.repeatable):
        return RunTool(first.call_id)
    return Doubt(first.call_id)
