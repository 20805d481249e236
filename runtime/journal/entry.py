"""What an entry writes about its run: the only place that writes run states and events.

Events and columns of the run are gathered and written at the end, one statement per table. Rows are written
at once, or, before the transaction has begun, as soon as it begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from runtime import canonical
from runtime.events import EventType, check_payload, iso, move_event
from runtime.faults import Point, reach
from runtime.journal.rows import change_rows, insert
from runtime.journal.signals import ring_on_commit
from runtime.journal.transaction import tell
from runtime.lifecycle import TERMINAL, WAITING, RunState, check_run_move
from runtime.models import Checkpoint, Run, ThreadMessage
from runtime.models.message import checkpoint_ref
from runtime.models.rows import db_time

MAX_EVENT_BYTES = 256 * 1024
CHANNEL = "harness_events"  #: on PostgreSQL: `<run> <first sequence> <last> <1 if not only streamed text>`
# The thread follows its latest run, not the one that moved last.
_THREAD = (
    "UPDATE threads SET status = CASE WHEN latest_run_id = %s THEN %s ELSE status END, updated_at = %s "
    "WHERE thread_id = %s"
)
_INSERT_EVENTS = "INSERT INTO events (thread_id, run_id, sequence, type, event_json, hash, created_at)"


class RunGone(LookupError):
    """The run does not exist (any more)."""


class Fenced(Exception):
    """The lease is no longer this worker's: someone else claimed, cancelled or deleted the run. Stop."""


class EventTooLarge(Exception):
    """An event beyond 256 KiB; larger results belong into artifacts."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to write about a run: the fencing number decides."""

    run_id: str
    thread_id: str
    owner: str
    epoch: int
    until: float = 0.0  #: Unix time up to which it was given


class Entry:
    """What is being written about one run; made by `entry()`. With `begin`, the transaction is still to come,
    and this begins it. A `new` run's row is written by who makes it, as the entry leaves it."""

    def __init__(
        self, run: Run, now: datetime, begin: Callable[[], None] | None = None, *, new: bool = False
    ) -> None:
        self.run = run
        self.now = now
        self._begin = begin
        self._new = new
        self._gathered: list[Callable[[], object]] = []
        self._events: list[tuple[Any, ...]] = []
        self._changed: dict[str, Any] = {}
        self._moved = False

    @property
    def lease(self) -> Lease:
        """The lease as this entry leaves it."""
        run = self.run
        return Lease(run.run_id, run.thread_id, run.lease_owner, run.lease_epoch, run.lease_until)

    def open(self) -> None:
        """Begins the transaction, if that is still to come, and writes the rows gathered so far. For whoever
        is about to read what this entry may have changed, or to write by himself."""
        begin, self._begin = self._begin, None
        if begin is not None:
            begin()
            for act in self._gathered:
                act()

    def write(self, act: Callable[[], object]) -> None:
        """Writes rows now, or as soon as the transaction has begun."""
        if self._begin is None:
            act()
        else:
            self._gathered.append(act)

    # -- notes and moves

    def note(self, kind: EventType, /, **payload: Any) -> int:
        """Appends an event; gives its sequence. A trailing underscore of a name is dropped (`from_`)."""
        body = {name.rstrip("_"): canonical.storable_all(value) for name, value in payload.items()}
        check_payload(kind, body)
        sequence = self.run.last_sequence + 1
        text = orjson.dumps(
            {
                "type": kind.value,
                "thread_id": self.run.thread_id,
                "run_id": self.run.run_id,
                "sequence": sequence,
                "timestamp": iso(self.now),
                **body,
            }
        )
        if len(text) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"{kind} of run {self.run.run_id} has {len(text)} bytes.")
        chained = hashlib.sha256(bytes(self.run.last_hash) + text).digest()
        self._events.append((sequence, kind.value, text.decode(), chained))
        self.set(last_sequence=sequence, last_hash=chained)
        return sequence

    def move(self, to: RunState, reason: str, *, kind: EventType | None = None, **extra: Any) -> int:
        """Changes the state; raises IllegalMove when the table forbids it. Gives the event's sequence.

        Every move but the one to `running` frees the lease; a move to `queued` rings when committed.
        """
        old = RunState(self.run.state)
        check_run_move(old, to)
        if to is not RunState.RUNNING:
            self.set(lease_owner="", lease_until=0.0)
        if to is RunState.QUEUED:
            self.set(next_try_at=extra.get("next_try_at"))
            self.write(partial(ring_on_commit, self.run.run_id))
        self.set(
            state=to.value,
            previous_state=old.value,
            state_entered_at=self.now,
            state_reason=canonical.storable(str(reason)),
            last_transition_at=self.now,
            resumable=to in WAITING,
        )
        self._moved = True
        if isinstance(extra.get("next_try_at"), datetime):
            extra["next_try_at"] = iso(extra["next_try_at"])
        return self.note(
            kind or move_event(old, to), **{"from_": old.value, "to": to.value, "reason": reason}, **extra
        )

    def end(
        self, state: RunState, reason: str, *, output: str | None = None, error: str | None = None
    ) -> int:
        """Moves to a terminal state with its output or error."""
        assert state in TERMINAL
        self.set(
            output=None if output is None else canonical.storable(output),
            error=None if error is None else canonical.storable(error),
            next_try_at=None,
        )
        outcome = canonical.digest({"output": self.run.output, "error": self.run.error})
        sequence = self.move(state, reason, outcome_digest=outcome)
        self.write(partial(reach, Point.END_WRITTEN))
        return sequence

    def fence(self) -> None:
        """Raises the epoch: whoever holds the lease can write no more."""
        self.set(lease_epoch=self.run.lease_epoch + 1)

    # -- what a step adds

    def message(self, role: str, content: dict[str, Any], *, step: str) -> ThreadMessage:
        """Appends a message and the checkpoint that bounds it; progress, so the claims count from 0 again. It
        has its key as soon as the transaction has begun."""
        message = ThreadMessage(
            thread_id=self.run.thread_id,
            run_id=self.run.run_id,
            role=role,
            content_json=canonical.storable_all(content),
            created_at=self.now,
        )
        number = self.run.steps + 1
        ref = checkpoint_ref(self.run.run_id, number)
        bound = Checkpoint(
            checkpoint_ref=ref,
            thread_id=self.run.thread_id,
            run_id=self.run.run_id,
            step=number,
            kind=step,
            created_at=self.now,
        )
        self.write(partial(_insert_step, message, bound))
        self.set(steps=number, checkpoint_ref=ref, attempts=0, model_attempts=0, fault="")
        return message

    def set(self, **values: Any) -> None:
        """Changes columns of the run's row (its state only through `move`). What stays as it was costs
        nothing: an index or a trigger may hang on it."""
        for name, value in values.items():
            if getattr(self.run, name) != value:
                setattr(self.run, name, value)
                self._changed[name] = value

    # -- writing

    def flush(self) -> None:
        """Writes what was gathered; called once, at the end of the block."""
        self.open()
        self._write_events()
        self._write_run()

    def _write_events(self) -> None:
        if not self._events:
            return
        moment = db_time(self.now)
        row = "(%s, %s, %s, %s, %s, %s, %s)"
        values: list[Any] = []
        for sequence, kind, text, chained in self._events:
            values += [self.run.thread_id, self.run.run_id, sequence, kind, text, chained, moment]
        rows = ", ".join([row] * len(self._events))
        change_rows(f"{_INSERT_EVENTS} VALUES {rows}", values)
        first, last = self._events[0][0], self._events[-1][0]
        news = any(kind != EventType.OUTPUT_DELTA for _, kind, _, _ in self._events)
        tell(CHANNEL, f"{self.run.run_id} {first} {last} {int(news)}")

    def _write_run(self) -> None:
        if not self._changed or self._new:
            return
        if self._moved or "checkpoint_ref" in self._changed:
            self.set(updated_at=self.now)
        values = [db_time(v) if isinstance(v, datetime) else v for v in self._changed.values()]
        columns = ", ".join(f"{name} = %s" for name in self._changed)
        statement = f"UPDATE runs SET {columns} WHERE run_id = %s"  # noqa: S608 - our own column names
        change_rows(statement, [*values, self.run.run_id])
        if self._moved:
            moment = db_time(self.now)
            change_rows(_THREAD, [self.run.run_id, self.run.state, moment, self.run.thread_id])


def _insert_step(message: ThreadMessage, bound: Checkpoint) -> None:
    insert(message)
    bound.message_id = message.pk
    insert(bound)
