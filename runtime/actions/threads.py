"""What people do to threads: delete."""

from __future__ import annotations

from runtime import journal
from runtime.access import Actor
from runtime.actions.checks import need
from runtime.actions.errors import Conflict, NotFound


def delete_thread(actor: Actor, thread_id: str) -> None:
    """Deletes the thread with everything that belongs to it; its decisions stay in the audit, without
    arguments. Conflict while one of its runs is queued, running, waiting for a child or in doubt."""
    need(actor, "operator")
    try:
        found = journal.delete_thread(
            thread_id, deleted_by=actor.name, source=actor.source, address=actor.address
        )
    except journal.ThreadBusy as busy:
        detail = f"A run of the thread is {busy}; cancel it or wait for its end, then delete the thread."
        raise Conflict(detail, extra={"state": str(busy)}) from busy
    if not found:
        raise NotFound(f"There is no thread {thread_id[:80]}.")
