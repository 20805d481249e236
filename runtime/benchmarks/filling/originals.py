"""One real run of each kind, made by the product itself; the others are copies of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from django.conf import settings

from runtime import access, actions, journal
from runtime.engine.lease import Keeper
from runtime.engine.loop import advance
from runtime.events import EventType
from runtime.lifecycle import RunState, Why
from runtime.models import Approval, Run, ToolCall

WORD = "order0000000"  #: in titles and texts; another one in each copy
OWNER = "benchmark"
MANY = 1_000_000
WRITE = {"name": "write_file", "arguments": {"path": f"notes/{WORD}.md", "content": f"{WORD} is shipped.\n"}}
SAID = f"Everything about {WORD} is in the notes: it was packed, shipped and paid for."


def _start(*turns: object, agent: str = "orchestra") -> Run:
    text = "script:" + orjson.dumps(turns).decode()
    run = actions.start_run(access.command(), text, agent=agent)
    Run.objects.filter(pk=run.pk).update(title=f"See to {WORD} and write down what became of it")
    return run


def _advance(run: Run) -> Run:
    advance(run.run_id, Keeper(OWNER, settings.LEASE_SECONDS), slots=MANY)
    return Run.objects.get(pk=run.pk)


def _claimed(*turns: object) -> journal.Lease:
    lease = journal.claim(_start(*turns).run_id, OWNER, slots=MANY, lease_seconds=settings.LEASE_SECONDS)
    assert lease is not None
    return lease


def answered() -> Run:
    """Ended with an answer, without a tool."""
    return _advance(_start({"text": SAID}))


def asked() -> Run:
    """Waits for a person."""
    return _advance(_start({"text": "I note that.", "tool_calls": [WRITE]}, {"text": SAID}, agent="direct"))


def approved() -> Run:
    """The same, approved and ended."""
    return _decided("approve")


def rejected() -> Run:
    """The same, rejected and ended."""
    return _decided("reject")


def _decided(decision: str) -> Run:
    run = asked()
    approval = Approval.objects.get(run=run)
    reason = "Not now." if decision == "reject" else ""
    actions.decide_approval(access.command(), approval.pk, decision, approval.digest, reason=reason)
    return _advance(run)


def failed() -> Run:
    """The model refused."""
    lease = _claimed()
    with journal.entry(lease.run_id, lease) as entry:
        entry.note(EventType.MODEL_STARTED, call=1, model="default", attempt=1)
        entry.note(EventType.MODEL_FAILED, call=1, model="default", attempt=1, error="400: no such model")
        entry.end(RunState.FAILED, Why.MODEL_FAILED, error=f"400: no such model for {WORD}")
    return Run.objects.get(pk=lease.run_id)


def cancelled() -> Run:
    """A person took it back before a worker claimed it."""
    return actions.cancel_run(access.command(), _start().run_id)


def queued() -> Run:
    """Waits for a slot."""
    return _start()


def parked() -> Run:
    """Waits for a provider."""
    lease = _claimed()
    with journal.entry(lease.run_id, lease) as entry:
        entry.set(fault="rate_limited", model="default")
        journal.put_back(entry, Why.NEXT_TRY, wait_seconds=3600)
    return Run.objects.get(pk=lease.run_id)


def running() -> Run:
    """A worker has it."""
    return Run.objects.get(pk=_claimed().run_id)


def in_doubt() -> Run:
    """A crash hid what became of its call."""
    run = asked()
    approval = Approval.objects.get(run=run)
    actions.decide_approval(access.command(), approval.pk, "approve", approval.digest)
    lease = journal.claim(run.run_id, OWNER, slots=MANY, lease_seconds=settings.LEASE_SECONDS)
    assert lease is not None
    call = ToolCall.objects.get(run=run)
    with journal.entry(run.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, call.pk), worker=OWNER)
    with journal.entry(run.run_id, lease) as entry:
        journal.doubt(entry, call.pk)
    return Run.objects.get(pk=run.pk)


ENDED: Mapping[str, tuple[Callable[[], Run], int]] = {
    "answered": (answered, 50),
    "cancelled": (cancelled, 38),
    "failed": (failed, 7),
    "approved": (approved, 4),
    "rejected": (rejected, 1),
}
#: Those that have not ended; there are always a few of each, however many runs there are.
ACTIVE: Mapping[str, Callable[[], Run]] = {
    "asked": asked,
    "queued": queued,
    "parked": parked,
    "running": running,
    "in_doubt": in_doubt,
}
