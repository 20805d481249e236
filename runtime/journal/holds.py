"""Legal holds: set and lifted by people; while one stands, nothing of its thread is removed."""

from __future__ import annotations

from datetime import UTC, datetime

from runtime.journal.transaction import unit
from runtime.models import Hold, Thread


class HoldConflict(Exception):
    """The thread is held already, or is not held; `str()` says so."""


def hold_thread(thread_id: str, *, reason: str, held_by: str, source: str, address: str = "") -> bool:
    """False when there is no such thread. Raises HoldConflict when it is held already."""
    with unit():
        thread = _locked(thread_id)
        if thread is None:
            return False
        if thread.hold is not None:
            raise HoldConflict(f"The thread is held already: {thread.hold}.")
        hold = Hold.objects.create(
            thread_id=thread_id, reason=reason, held_by=held_by, source=source, address=address
        )
        # Only this column: a hold is no change of the thread.
        Thread.objects.filter(pk=thread_id).update(hold=hold)
    return True


def lift_hold(thread_id: str, *, lifted_by: str, source: str, address: str = "") -> bool:
    """False when there is no such thread. Raises HoldConflict when it is not held."""
    with unit():
        thread = _locked(thread_id)
        if thread is None:
            return False
        if thread.hold is None:
            raise HoldConflict("The thread is not held.")
        Hold.objects.filter(pk=thread.hold.pk).update(
            lifted_by=lifted_by, lifted_at=datetime.now(UTC), lifted_source=source, lifted_address=address
        )
        Thread.objects.filter(pk=thread_id).update(hold=None)
    return True


def _locked(thread_id: str) -> Thread | None:
    rows = Thread.objects.select_for_update(of=("self",)).select_related("hold")
    return rows.filter(pk=thread_id).first()
