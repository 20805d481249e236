"""What time does: recovery, expiry, re-queueing, maintenance."""

from __future__ import annotations

from datetime import datetime

from runtime.models import Approval, Run
from runtime.upkeep.maintenance import maintain
from runtime.upkeep.recovery import (
    expire_approvals,
    finish_deletions,
    requeue_orphans,
    requeue_runs_of_dead,
    ring_queued,
)
from runtime.upkeep.watch import Watch

__all__ = ["Watch", "maintain", "next_alarm", "requeue_runs_of_dead", "sweep"]


def sweep(watch: Watch | None = None) -> dict[str, int]:
    """One sweep: `{"recovered", "expired", "deleted", "rung"}`, each a number of records. `watch`: of one who
    sweeps again and again."""
    return {
        "recovered": requeue_orphans(watch),
        "expired": expire_approvals(),
        "deleted": finish_deletions(),
        "rung": ring_queued(),
    }


def next_alarm(now: datetime) -> datetime | None:
    """When something falls due that nobody will ring for: a parked run, an approval's deadline."""
    alarms = [Run.objects.next_alarm(now), Approval.objects.next_alarm(now)]
    return min((alarm for alarm in alarms if alarm is not None), default=None)
