"""The rows of the health monitor: whose turn it is to sample, the present report, the samples kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from runtime.journal.probe import hurried
from runtime.models import HealthReport, HealthSample
from runtime.models.health import ONLY

PATIENCE_SECONDS = 2.0
EARLY = 0.9  #: of an interval: a clock that ticks a little early does not lose its turn


def take_turn(now: datetime, every_seconds: float) -> HealthReport | None:
    """The report's row, for the one who may sample now; None for everybody else. Raises DatabaseError, also
    when nothing can be written soon."""
    # A time in the future was written by a clock that was far ahead.
    due = Q(taken_at=None) | Q(taken_at__lte=now - timedelta(seconds=EARLY * every_seconds))
    due |= Q(taken_at__gt=now + timedelta(seconds=2 * every_seconds))
    mine = HealthReport.objects.filter(due, pk=ONLY)
    if not mine.exists():
        if HealthReport.objects.exists():
            return None
        with hurried(PATIENCE_SECONDS):
            HealthReport.objects.bulk_create([HealthReport()], ignore_conflicts=True)
    with hurried(PATIENCE_SECONDS):
        if mine.update(turn=F("turn") + 1, taken_at=now) != 1:
            return None
        return HealthReport.objects.get(pk=ONLY)


def keep_report(row: HealthReport, samples: Iterable[HealthSample], **values: Any) -> bool:
    """Writes what was found in this turn, and samples to be kept; False when the turn is over already."""
    with hurried(PATIENCE_SECONDS):
        if HealthReport.objects.filter(pk=ONLY, turn=row.turn).update(**values) != 1:
            return False
        HealthSample.objects.bulk_create(samples)
        return True
