"""Runs for the journal's tests, made by the journal itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import CallState, RunState
from runtime.models import Approval, Run, ThreadMessage, ToolCall


def new_run(text: str = "write a to b", **values: Any) -> Run:
    """A queued run."""
    defaults: dict[str, Any] = {"agent_id": "direct", "execution_mode": "one_step", "resolved": {}}
    return journal.create_run(journal.NewRun(input=text, **{**defaults, **values}))


def claim(run: Run, owner: str = "w1", **values: Any) -> journal.Lease | None:
    return journal.claim(run.run_id, owner, **{"slots": 100, "lease_seconds": 30.0, **values})


def propose(run: Run, lease: journal.Lease, *calls: tuple[str, CallState], **values: Any) -> list[ToolCall]:
    """A reply with these calls; parks the run when one of them waits. `values`: of their gated calls."""
    gated = [
        journal.GatedCall(
            provider_call_id=f"c{number}",
            tool_name=name,
            tool_version="1",
            raw_arguments='{"path":"a"}',
            arguments={"path": "a"},
            state=state,
            allowed_decisions=("approve", "edit", "reject", "respond"),
            **values,
        )
        for number, (name, state) in enumerate(calls)
    ]
    with journal.entry(run.run_id, lease) as entry:
        if journal.propose(entry, reply(entry, "", gated), gated):
            entry.move(RunState.WAITING_FOR_APPROVAL, "asked")
    return list(ToolCall.objects.filter(run=run).order_by("turn", "position"))


def reply(entry: journal.Entry, text: str, calls: Sequence[journal.GatedCall] = ()) -> ThreadMessage:
    """What a model said, as a worker writes it down."""
    content: dict[str, Any] = {"text": text}
    if calls:
        content["tool_calls"] = [
            {"id": call.provider_call_id, "name": call.tool_name, "arguments": call.raw_arguments}
            for call in calls
        ]
    entry.set(turns=entry.run.turns + 1)
    message = entry.message("assistant", content, step="reply")
    entry.note(
        EventType.MODEL_COMPLETED, call=entry.run.turns, tool_calls=len(calls), message_digest=message.digest
    )
    return message


@pytest.fixture
def waiting(db: None) -> Approval:
    """One pending approval of a parked run."""
    run = new_run()
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("write_file", CallState.WAITING))
    return Approval.objects.get(run=run)


def verdict(approval: Approval, decision: str, by: str = "rene", **values: Any) -> journal.Verdict:
    from runtime.lifecycle import Decision

    return journal.Verdict(
        decision=Decision(decision), digest=approval.digest, decided_by=by, source="api", **values
    )
