"""The records behind the API and the journal, for the contract's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime import actions, journal
from runtime.lifecycle import RunState
from runtime.models import Approval, Run
from tests.api.conftest import (
    BOT,
    advance,
    approval,
    done,
    in_doubt,
    keeper,
    operating,
    reading,
    reviewing,
    run,
)
from tests.journal.conftest import claim, new_run, propose, verdict
from tests.product import call, script

__all__ = [
    "Advance",
    "advance",
    "approval",
    "claim",
    "done",
    "end",
    "everything",
    "in_doubt",
    "keeper",
    "new_run",
    "operating",
    "propose",
    "reading",
    "reviewing",
    "run",
    "verdict",
]

Advance = Callable[[Run], Run]


def end(run: Run, lease: journal.Lease | None) -> None:
    """Completes the run."""
    with journal.entry(run.run_id, lease) as entry:
        entry.end(RunState.COMPLETED, "done", output="done")


@pytest.fixture
def everything(advance: Advance) -> Run:
    """A completed run with a row in every table."""
    kept = call("save_artifact", path="report.md", content="# Report")
    asked = call("write_file", path="a.txt", content="x")
    text = script({"tool_calls": [kept, asked]}, {"text": "done"})
    run = advance(actions.start_run(BOT, text, agent="direct"))
    approval = Approval.objects.get(run=run)
    actions.decide_approval(BOT, approval.pk, "approve", approval.digest)
    return advance(run)
