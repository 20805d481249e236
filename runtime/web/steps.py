"""A run's steps in time: what the model, the tools and the waiting took, laid out for a waterfall. Pure.

Waiting may last days where work lasts seconds, so an interval in which nothing is at work is drawn at most
`WAIT_SHARE` of the work's length; its own words say how long it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from runtime.events import EventType as E
from runtime.events import from_iso
from runtime.lifecycle import OUTCOME

WIDTH = 1000.0  #: of the drawing
THINNEST = 4.0
WAIT_SHARE = 0.2
SHORT_QUEUE = timedelta(seconds=1)  #: nobody wants to see how fast a claim is
WORK = ("model", "tool")
LOST = "lost"
_DECIDED = {decision.value: status.value for decision, status in OUTCOME.items()}
#: What a waterfall is made from.
TYPES = (
    *(E.RUN_QUEUED, E.RUN_DEQUEUED, E.RUN_RECOVERED, E.RUN_STATE_CHANGED),
    *(E.MODEL_STARTED, E.MODEL_RETRIED, E.MODEL_COMPLETED, E.MODEL_FAILED),
    *(E.TOOL_STARTED, E.TOOL_COMPLETED, E.TOOL_FAILED, E.TOOL_IN_DOUBT, E.TOOL_RESOLVED),
    *(E.APPROVAL_REQUESTED, E.APPROVAL_RESOLVED, E.APPROVAL_EXPIRED),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One bar. `kind`: model, tool, person, doubt, provider or queue; `end` None while it lasts."""

    kind: str
    name: str
    begin: datetime
    end: datetime | None = None
    outcome: str = ""
    call_id: str = ""
    took_ms: int = 0
    x: float = 0.0
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The bars in the order of their begin, and how much time each kind took."""

    steps: list[Step] = field(default_factory=list)
    spent_ms: Mapping[str, int] = field(default_factory=dict)
    shortened: bool = False  #: some waiting is drawn shorter than it was


def waterfall(events: Iterable[Mapping[str, Any]], now: datetime) -> Waterfall:
    """The waterfall of a run's events, ascending; those of other types are passed over."""
    found = _Reader().read(events)
    steps = [
        replace(step, took_ms=round(((step.end or now) - step.begin).total_seconds() * 1000))
        for step in sorted(found, key=lambda step: step.begin)
        if step.kind != "queue" or (step.end or now) - step.begin >= SHORT_QUEUE
    ]
    scale = _Scale(steps, now)
    return Waterfall([scale.place(step) for step in steps], _spent(steps, now), scale.shortened)


def _spent(steps: Sequence[Step], now: datetime) -> dict[str, int]:
    """Kind → ms. Steps beside each other, such as three decisions that were asked for at once, count once."""
    spent: dict[str, timedelta] = {}
    reached: dict[str, datetime] = {}
    for step in steps:
        begin = max(step.begin, reached.get(step.kind, step.begin))
        end = max(begin, step.end or now)
        spent[step.kind] = spent.get(step.kind, timedelta()) + (end - begin)
        reached[step.kind] = end
    return {kind: round(took.total_seconds() * 1000) for kind, took in spent.items()}


class _Reader:
    """Pairs what began with what ended."""

    def __init__(self) -> None:
        self.open: dict[str, Step] = {}
        self.done: list[Step] = []

    def read(self, events: Iterable[Mapping[str, Any]]) -> list[Step]:
        for event in events:
            moment = _moment(event)
            if moment is not None:
                self._take(str(event.get("type", "")), event, moment)
        return [*self.done, *self.open.values()]

    def _take(self, kind: str, event: Mapping[str, Any], at: datetime) -> None:
        name, call = str(event.get("tool_name") or "a tool"), str(event.get("tool_call_id") or "")
        match kind:
            case E.MODEL_STARTED:
                attempt = event.get("attempt")
                again = f", attempt {attempt}" if isinstance(attempt, int) and attempt > 1 else ""
                self._begin("model", Step("model", f"Model call {event.get('call') or ''}{again}", at))
            case E.MODEL_COMPLETED:
                self._end("model", at)
            case E.MODEL_FAILED | E.MODEL_RETRIED:
                self._end("model", at, "failed")
            case E.TOOL_STARTED:
                self._begin(f"tool {call}", Step("tool", name, at, call_id=call))
            case E.TOOL_COMPLETED | E.TOOL_FAILED | E.TOOL_IN_DOUBT:
                self._end(f"tool {call}", at, "" if kind == E.TOOL_COMPLETED else kind.partition(".")[2])
                if kind == E.TOOL_IN_DOUBT:
                    self._begin(f"doubt {call}", Step("doubt", f"{name} in doubt", at, call_id=call))
            case E.TOOL_RESOLVED:
                self._end(f"doubt {call}", at, str(event.get("outcome") or "").replace("_", " "))
            case E.APPROVAL_REQUESTED:
                step = Step("person", f"Decision about {name}", at, call_id=call)
                self._begin(f"person {event.get('approval_id')}", step)
            case E.APPROVAL_RESOLVED | E.APPROVAL_EXPIRED:
                said = str(event.get("decision") or "expired")
                self._end(f"person {event.get('approval_id')}", at, _DECIDED.get(said, said))
            case _:
                self._move(event, at)

    def _move(self, event: Mapping[str, Any], at: datetime) -> None:
        to = event.get("to")
        if event.get("from") == "running":
            for key in [key for key, step in self.open.items() if step.kind in WORK]:
                self._end(key, at, LOST if event.get("type") == E.RUN_RECOVERED else "cut off")
        if to == "queued":
            kind = "provider" if event.get("next_try_at") else "queue"
            name = "Next try of the provider" if kind == "provider" else "Waits for a worker"
            self._begin("queue", Step(kind, name, at))
        else:
            self._end("queue", at)
        if to in ("completed", "failed", "cancelled"):
            for key in list(self.open):
                self._end(key, at, str(to))

    def _begin(self, key: str, step: Step) -> None:
        self._end(key, step.begin)
        self.open[key] = step

    def _end(self, key: str, at: datetime, outcome: str = "") -> None:
        step = self.open.pop(key, None)
        if step is not None:
            self.done.append(replace(step, end=at, outcome=outcome))


class _Scale:
    """From moments to places on the drawing."""

    def __init__(self, steps: Sequence[Step], now: datetime) -> None:
        self.now = now
        self.shortened = False
        edges = sorted(
            {moment for step in steps for moment in (step.begin, max(step.begin, step.end or now))}
        )
        pairs = list(zip(edges, edges[1:], strict=False))
        working = [any(_covers(step, a, b, now) for step in steps if step.kind in WORK) for a, b in pairs]
        lengths = [(b - a).total_seconds() for a, b in pairs]
        work = sum(length for length, at_work in zip(lengths, working, strict=True) if at_work)
        most = max(work, 1.0) * WAIT_SHARE
        self._at: dict[datetime, float] = {edges[0]: 0.0} if edges else {}
        place = 0.0
        for (_, end), length, at_work in zip(pairs, lengths, working, strict=True):
            self.shortened |= not at_work and length > most
            place += length if at_work else min(length, most)
            self._at[end] = place
        self._whole = place or 1.0

    def place(self, step: Step) -> Step:
        begin = self._at[step.begin] / self._whole * WIDTH
        end = self._at[max(step.begin, step.end or self.now)] / self._whole * WIDTH
        width = max(THINNEST, end - begin)
        return replace(step, x=round(min(begin, WIDTH - width), 1), width=round(width, 1))


def _covers(step: Step, begin: datetime, end: datetime, now: datetime) -> bool:
    return step.begin <= begin and end <= max(step.begin, step.end or now)


def _moment(event: Mapping[str, Any]) -> datetime | None:
    try:
        return from_iso(str(event.get("timestamp", "")))
    except ValueError:
        return None
