"""The project's one signal: a run was queued, and the transaction that says so is committed."""

from __future__ import annotations

from django.db import transaction
from django.dispatch import Signal

from runtime.faults import Point, reach

#: Sent after commit with `run_id`; an empty one: somebody wants maintenance. Its one receiver is `tasks.py`.
#: A lost ring loses nothing.
run_queued = Signal()


def ring_on_commit(run_id: str) -> None:
    """Rings once the present transaction is committed."""
    transaction.on_commit(lambda: ring(run_id))


def ring(run_id: str) -> None:
    """Rings now. A failing receiver must not fail the one who wrote."""
    reach(Point.RING_DUE)
    run_queued.send_robust(sender=None, run_id=run_id)
