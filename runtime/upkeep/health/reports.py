"""The health as anybody may ask for it: the report that the workers keep, or a look of one's own.

When no worker has sampled for a while (none runs, or nothing can be written), whoever asks looks for himself,
at most once an interval. Such a report is kept nowhere and waits for no second sample.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError

from runtime.events import iso
from runtime.models import HealthReport
from runtime.upkeep.health import limits
from runtime.upkeep.health.looks import Scene, verdicts
from runtime.upkeep.health.settling import Report, overall, said
from runtime.upkeep.health.tallies import Tallies

STALE_AFTER = 2.0  #: intervals


@dataclass(frozen=True, slots=True)
class Present:
    """A report, when it was made, and the tallies that belong to it."""

    report: Report
    sampled_at: datetime
    tallies: Tallies

    def document(self) -> Report:
        """The report as the API and the command give it: `{status, sampled_at, checks}`."""
        return {
            "status": self.report["status"],
            "sampled_at": iso(self.sampled_at),
            "checks": self.report["checks"],
        }


_lock = threading.Lock()
_own: Present | None = None
_own_until = 0.0


def present(now: datetime) -> Present:
    """How it is. Raises nothing: a database that cannot be read is a finding."""
    every = limits.of_health().sample_seconds
    try:
        row = HealthReport.objects.first()
    except DatabaseError:
        row = None
    if row is not None and row.sampled_at is not None:
        age = now - row.sampled_at
        if abs(age) <= timedelta(seconds=STALE_AFTER * every):
            return Present(row.report, row.sampled_at, row.tallies)
    return _look(now, row, every)


def forget() -> None:
    """Lets the next question be answered by a new look."""
    global _own_until
    _own_until = 0.0


def _look(now: datetime, row: HealthReport | None, every: float) -> Present:
    global _own, _own_until
    with _lock:
        if _own is None or time.monotonic() >= _own_until:
            _own = _looked(now, row)
            _own_until = time.monotonic() + every
        return _own


def _looked(now: datetime, row: HealthReport | None) -> Present:
    tallies = row.tallies if row is not None else {}
    held = {check["name"]: check for check in (row.report if row is not None else {}).get("checks", [])}
    report: Report = {"status": "", "checks": [], "candidates": {}}
    for name, verdict in verdicts(Scene(now, limits.of_health(), tallies)).items():
        old = held.get(name)
        since = old["since"] if old is not None and old["status"] == verdict.status else iso(now)
        report["checks"].append(said(name, verdict, since))
    report["status"] = overall(report).value
    return Present(report, now, tallies)
