"""`manage.py sweep`: recovery, expiry and re-queueing now."""

from __future__ import annotations

from typing import Any

from runtime import upkeep
from runtime.management.plain import PlainCommand


class Command(PlainCommand):
    """One sweep; prints what it did."""

    help = "Queue lost runs again, settle overdue approvals, finish deletions, ring for what is queued."

    def handle(self, *args: Any, **options: Any) -> None:
        done = upkeep.sweep()
        self.stdout.write(", ".join(f"{what} {count}" for what, count in done.items()))
