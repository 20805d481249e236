"""What people do to threads: delete, hold, lift a hold."""

from __future__ import annotations

from runtime import journal
from runtime.access import Actor
from runtime.actions.checks import need, text
from runtime.actions.errors import Conflict, NotFound

REASON_BYTES = 2_000


def delete_thread(actor: Actor, thread_id: str) -> None:
    """Deletes the thread with everything that belongs to it; its decisions stay in the audit, without
    arguments. Conflict while it is held, or one of its runs is queued, running, waiting for a child or in
    doubt."""
    need(actor, "operator")
    try:
        found = journal.delete_thread(
            thread_id, deleted_by=actor.name, source=actor.source, address=actor.address
        )
    except journal.ThreadHeld as held:
        raise Conflict(f"The thread is not deleted: {held}", extra={"state": "held"}) from held
    except journal.ThreadBusy as busy:
        detail = f"A run of the thread is {busy}; cancel it or wait for its end, then delete the thread."
        raise Conflict(detail, extra={"state": str(busy)}) from busy
    if not found:
        raise _gone(thread_id)


def hold_thread(actor: Actor, thread_id: str, reason: str) -> None:
    """Keeps everything of the thread, whatever anybody or time wants, until the hold is lifted. Conflict when
    it is held already."""
    need(actor, "administrator")
    reason = text("reason", reason, most_bytes=REASON_BYTES)
    try:
        found = journal.hold_thread(
            thread_id, reason=reason, held_by=actor.name, source=actor.source, address=actor.address
        )
    except journal.HoldConflict as conflict:
        raise Conflict(str(conflict)) from conflict
    if not found:
        raise _gone(thread_id)


def lift_hold(actor: Actor, thread_id: str) -> None:
    """Lets the thread be deleted again. Conflict when it is not held."""
    need(actor, "administrator")
    try:
        found = journal.lift_hold(thread_id, lifted_by=actor.name, source=actor.source, address=actor.address)
    except journal.HoldConflict as conflict:
        raise Conflict(str(conflict)) from conflict
    if not found:
        raise _gone(thread_id)


def _gone(thread_id: str) -> NotFound:
    return NotFound(f"There is no thread {thread_id[:80]}.")
