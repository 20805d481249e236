"""Maintenance in the records: whose turn it is, and what a pass has done.

Each worker has a clock of its own, so a turn is taken by a conditional update; the row count decides.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Case, F, Q, Value, When

from runtime.faults import Point, reach
from runtime.journal.signals import ring_on_commit
from runtime.journal.transaction import unit
from runtime.models import MaintenancePass, MaintenanceTurn

CUT_OFF = "It was cut off; the next pass goes on."


class TurnLost(Exception):
    """Another process has taken the turn over: stop."""


def next_turn(kind: str, every: timedelta) -> MaintenanceTurn:
    """The row of a kind. A new installation's first pass is due after one interval: until then people can
    look at what it will remove."""
    first = datetime.now(UTC) + every
    return MaintenanceTurn.objects.get_or_create(kind=kind, defaults={"next_at": first})[0]


def want_turn(kind: str, *, wanted_by: str) -> None:
    """Makes a pass due now, and wakes a worker."""
    with unit():
        due = {"next_at": datetime.now(UTC), "wanted_by": wanted_by}
        MaintenanceTurn.objects.update_or_create(kind=kind, defaults=due)
        ring_on_commit("")


def take_turn(
    kind: str, *, made_by: str, lease: timedelta, requested_by: str | None = None
) -> MaintenancePass | None:
    """Begins a pass that is due; None when it is not, or when one is under way. With `requested_by` it need
    not be due."""
    with unit():
        now = datetime.now(UTC)
        free = MaintenanceTurn.objects.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now), pk=kind)
        due = free if requested_by is not None else free.filter(next_at__lte=now)
        wanted = MaintenanceTurn.objects.filter(pk=kind).values_list("wanted_by", flat=True).first()
        if due.update(taken_by=made_by, lease_until=now + lease) != 1:
            return None
        unfinished = MaintenancePass.objects.filter(kind=kind, finished_at__isnull=True)
        unfinished.update(finished_at=now, error=CUT_OFF)
        current = MaintenancePass.objects.create(
            kind=kind, started_at=now, requested_by=requested_by or wanted or "", made_by=made_by
        )
    reach(Point.MAINTAIN_TAKEN)
    return current


def keep_turn(current: MaintenancePass, lease: timedelta, done: dict[str, int]) -> None:
    """Extends the lease, and says how far the pass is. Raises TurnLost."""
    with unit(durable=False):
        mine = MaintenanceTurn.objects.filter(pk=current.kind, taken_by=current.made_by)
        if mine.update(lease_until=datetime.now(UTC) + lease) != 1:
            raise TurnLost(f"Another process has taken over the {current.kind} maintenance.")
        MaintenancePass.objects.filter(pk=current.pk).update(done_json=done)


def end_turn(
    current: MaintenancePass,
    *,
    done: dict[str, int],
    kept: dict[str, Any],
    next_at: datetime,
    error: str = "",
    again: bool = False,
) -> None:
    """Says what came of it, and frees the turn until `next_at`; somebody who wanted a pass meanwhile gets one
    of his own at once. `again`: it was stopped, and who wanted it still does."""
    reach(Point.MAINTAIN_DONE)
    with unit():
        MaintenancePass.objects.filter(pk=current.pk, finished_at__isnull=True).update(
            finished_at=datetime.now(UTC), done_json=done, kept_json=kept, error=error
        )
        rest = F("wanted_by") if again else Value("")
        meanwhile = Q(wanted_by__gt="", next_at__gt=current.started_at)
        MaintenanceTurn.objects.filter(pk=current.kind, taken_by=current.made_by).update(
            next_at=Case(When(meanwhile, then=F("next_at")), default=Value(next_at)),
            wanted_by=Case(When(meanwhile, then=F("wanted_by")), default=rest),
            lease_until=None,
            taken_by="",
        )
    current.refresh_from_db()


def note_dry_run(
    kind: str, *, started_at: datetime, requested_by: str, made_by: str, **found: Any
) -> MaintenancePass:
    """Says what a pass would have done."""
    return MaintenancePass.objects.create(
        kind=kind,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        dry_run=True,
        requested_by=requested_by,
        made_by=made_by,
        **found,
    )
