"""What people do, as verbs. Each checks the role, then acts through the journal; refusals are `Refused`."""

from __future__ import annotations

from runtime.actions.approvals import already_decided, decide_approval
from runtime.actions.bulk import MOST_RUNS, Outcome, cancel_runs, retry_runs
from runtime.actions.doubts import resolve_run
from runtime.actions.errors import Conflict, Forbidden, Invalid, NoRoom, NotFound, NoWorkspace, Refused
from runtime.actions.maintenance import want_maintenance
from runtime.actions.reveals import reveal
from runtime.actions.runs import cancel_run, retry_run, start_run
from runtime.actions.threads import delete_thread, hold_thread, lift_hold

__all__ = [
    "MOST_RUNS",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NoRoom",
    "NoWorkspace",
    "NotFound",
    "Outcome",
    "Refused",
    "already_decided",
    "cancel_run",
    "cancel_runs",
    "decide_approval",
    "delete_thread",
    "hold_thread",
    "lift_hold",
    "resolve_run",
    "retry_run",
    "retry_runs",
    "reveal",
    "start_run",
    "want_maintenance",
]
