"""Runs for the journal's tests, made by the journal itself."""

from __future__ import annotations

from typing import Any

import pytest

from runtime import journal
from runtime.lifecycle import CallState, RunState
from runtime.models import Approval, Run, ToolCall


def new_run(text: str = "write a to b", **values: Any) -> Run:
    """A queued run."""
    defaults: dict[str, Any] = {"agent_id": "direct", "execution_mode": "one_step", "resolved": {}}
    return journal.create_run(journal.NewRun(input=text, **{**defaults, **values}))


def claim(run: Run, owner: str = "w1", **values: Any) -> journal.Lease | None:
    return journal.claim(run.run_id, owner, **{"slots": 100, "lease_seconds": 30.0, **values})


def propose(run: Run, lease: journal.Lease, *calls: tuple[str, CallState]) -> list[ToolCall]:
    """A reply with these calls; parks the run when one of them waits."""
    gated = [
        journal.GatedCall(
            provider_call_id=f"c{number}",
            tool_name=name,
            tool_version="1",
            raw_arguments='{"path":"a"}',
            arguments={"path": "a"},
            state=state,
            allowed_decisions=("approve", "edit", "reject", "respond"),
        )
        for number, (name, state) in enumerate(calls)
    ]
    with journal.entry(run.run_id, lease) as entry:
        entry.set(turns=entry.run.turns + 1)
        content = {
            "text": "",
            "tool_calls": [{"id": c.provider_call_id, "name": c.tool_name, "arguments": "{}"} for c in gated],
        }
        message = entry.message("assistant", content, step="reply")
        if journal.propose(entry, message, gated):
            entry.move(RunState.WAITING_FOR_APPROVAL, "asked")
    return list(ToolCall.objects.filter(run=run).order_by("turn", "position"))


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
