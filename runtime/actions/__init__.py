"""What people do, as verbs. Each checks the role, then acts through the journal; refusals are `Refused`."""

from __future__ import annotations

from runtime.actions.approvals import already_decided, decide_approval
from runtime.actions.doubts import resolve_run
from runtime.actions.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from runtime.actions.runs import cancel_run, retry_run, start_run
from runtime.actions.threads import delete_thread

__all__ = [
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Refused",
    "already_decided",
    "cancel_run",
    "decide_approval",
    "delete_thread",
    "resolve_run",
    "retry_run",
    "start_run",
]
