"""Creating a run: thread, run, request, message and the first events, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from runtime import canonical
from runtime.events import EventType, iso
from runtime.faults import Point, reach
from runtime.journal.entry import Entry
from runtime.journal.rows import insert, update
from runtime.journal.signals import ring_on_commit
from runtime.journal.transaction import unit
from runtime.lifecycle import RunState, Why
from runtime.models import Run, RunRequest, Thread
from runtime.models.rows import lock, one

TITLE_LENGTH = 120
_TOUCHED = ("run_count", "status", "latest_run_id", "updated_at")


@dataclass(frozen=True)
class NewRun:
    """What a run is created from."""

    input: str
    agent_id: str
    execution_mode: str
    resolved: Mapping[str, Any]  #: agent, model, rules and limits, as JSON
    adapter_kind: str | None = None
    invocation: Mapping[str, Any] = field(default_factory=dict)  #: context, inputs, attachments
    thread_id: str | None = None  #: None: a new thread
    requested_by: str = ""
    source: str = "system"
    address: str = ""
    idempotency_key: str | None = None
    body_digest: str = ""
    priority: int = 0
    retried_from: str | None = None  #: the run whose request this one repeats


class ThreadGone(LookupError):
    """The thread does not exist (any more)."""


def create_run(new: NewRun) -> Run:
    """Writes the queued run durably and rings. Raises ThreadGone; with an idempotency key that the same
    requester used before, IntegrityError (nothing is written)."""
    with ExitStack() as stack:

        def begin() -> None:
            stack.enter_context(unit(shared=True))

        if new.thread_id is not None:
            begin()  # the thread must be locked before it is read
        now = datetime.now(UTC)
        thread = _thread(new, now)
        run = _run(new, thread, now)
        thread.latest_run_id = run.run_id
        request = _request(new, run, now)
        first = Entry(run, now, begin if new.thread_id is None else _begun, new=True)
        first.write(partial(insert, thread) if new.thread_id is None else partial(update, thread, _TOUCHED))
        first.write(partial(insert, run))
        first.write(partial(insert, request))
        _note(first, new, request)
        first.flush()
        ring_on_commit(run.run_id)
        reach(Point.CREATE_WRITTEN)
    reach(Point.CREATE_COMMITTED)
    return run


def _begun() -> None:
    """The transaction has begun already."""


def _run(new: NewRun, thread: Thread, now: datetime) -> Run:
    return Run(
        thread=thread,
        agent_id=new.agent_id,
        execution_mode=new.execution_mode,
        # Null falls back, an empty text does not.
        adapter_kind=new.execution_mode if new.adapter_kind is None else new.adapter_kind,
        state=RunState.QUEUED.value,
        position=thread.run_count,
        title=_title(new.input),
        requested_by=new.requested_by,
        priority=new.priority,
        retried_from_id=new.retried_from,
        state_reason=Why.CREATED.value,
        model=str(new.resolved.get("model", {}).get("model", ""))[:300],
        created_at=now,
        updated_at=now,
        state_entered_at=now,
        last_transition_at=now,
    )


def _title(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "…"


def _thread(new: NewRun, now: datetime) -> Thread:
    """The thread, locked, counted and touched; written by the caller together with its latest run."""
    if new.thread_id is None:
        thread = Thread(entry_agent_id=new.agent_id, title=_title(new.input), created_at=now)
    else:
        found = one(Thread, "thread_id = %s" + lock(), [new.thread_id])
        if found is None:
            raise ThreadGone(f"There is no thread {new.thread_id}.")
        thread = found
    thread.run_count += 1
    thread.status = RunState.QUEUED.value
    thread.updated_at = now
    return thread


def _request(new: NewRun, run: Run, now: datetime) -> RunRequest:
    invocation = {"context": {}, "inputs": {}, "attachments": [], **new.invocation}
    return RunRequest(
        run_id=run.run_id,
        thread_id=run.thread_id,
        request_json={"input": new.input, "invocation": invocation, "savedAt": iso(now)},
        saved_at=now,
        resolved_json=dict(new.resolved),
        requested_by=new.requested_by,
        idempotency_key=new.idempotency_key,
        body_digest=new.body_digest,
    )


def request_digest(request: Any, resolved: Any) -> str:
    """Of what was asked, and of the agent as it was then: by these the run goes on."""
    digest: str = canonical.digest({"request": request, "resolved": resolved})
    return digest


def _note(first: Entry, new: NewRun, request: RunRequest) -> None:
    asked = first.message("user", {"text": new.input}, step="input")
    first.note(
        EventType.RUN_CREATED,
        agent_id=new.agent_id,
        requested_by=new.requested_by,
        source=new.source,
        address=new.address,
        retried_from=new.retried_from,
        message_digest=asked.digest,
        request_digest=request_digest(request.request_json, request.resolved_json),
    )
    first.note(EventType.RUN_QUEUED, from_=None, to=RunState.QUEUED.value, reason=Why.CREATED)
