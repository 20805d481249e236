"""Denials: noted outside of the transaction of what was refused. Record maintenance removes old ones."""

from __future__ import annotations

from runtime import canonical, log
from runtime.journal.transaction import unit
from runtime.models import Denial


def note_denial(
    *,
    kind: str,
    name: str,
    address: str,
    method: str,
    path: str,
    status: int,
    reason: str,
    left_out: int = 0,
) -> None:
    """Writes one row. What opens a door (a sign-in link in the path) is left out, as of the log."""
    with unit(durable=False):  # a flood must not cost a disk's sync for each
        Denial.objects.create(
            kind=kind,
            name=canonical.storable(name)[:200],
            address=address[:64],
            method=canonical.storable(method)[:16],
            path=canonical.storable(log.clean(path))[:300],
            status=status,
            reason=canonical.storable(log.clean(reason))[:200],
            left_out=left_out,
        )
