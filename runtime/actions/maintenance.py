"""What people do about maintenance: want a pass now, or know what it would do."""

from __future__ import annotations

from runtime.access import Actor
from runtime.actions.checks import need
from runtime.actions.errors import NotFound
from runtime.journal import maintenance
from runtime.models.maintenance import KINDS


def want_maintenance(actor: Actor, kind: str) -> None:
    """Makes a pass due at once; a worker begins it, unless one is under way: then it comes after that."""
    need(actor, "administrator")
    if kind not in KINDS:
        raise NotFound(f"There is no maintenance of {kind[:80]!r}; there are {', '.join(KINDS)}.")
    maintenance.want_turn(kind, wanted_by=actor.name)
