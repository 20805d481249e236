"""Record maintenance: threads that are old or too many, with all that belongs to them; decisions about
threads that are gone; traces that nobody needs any more."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from runtime import journal
from runtime.journal import traces
from runtime.journal.counters import recount
from runtime.models import HealthSample, Thread, Tombstone
from runtime.models.counters import wrong_counters
from runtime.models.keyset import past
from runtime.models.protection import GOES, Place, reasons
from runtime.models.thread import ThreadQuerySet
from runtime.upkeep.checkpoints import give_back_space
from runtime.upkeep.progress import Progress
from runtime.workspace import Workspace

logger = logging.getLogger(__name__)

BATCH = 200
#: Table of a tombstone's counts → the name of it here.
COUNTED = {
    "threads": "threads",
    "runs": "runs",
    "thread_messages": "messages",
    "events": "events",
    "artifacts": "artifacts",
    "bytes": "bytes",
}


@dataclass(frozen=True)
class Limits:
    """The policy at one moment."""

    now: datetime
    changed_before: datetime
    too_many: Place | None
    decided_before: datetime
    traces_before: datetime
    sampled_before: datetime

    @property
    def threads(self) -> ThreadQuerySet:
        """All threads, with `kept`."""
        return Thread.objects.for_record_maintenance(self.changed_before, self.too_many)

    @property
    def others(self) -> dict[str, QuerySet[Any]]:
        """What goes beside threads, by name."""
        decisions = traces.old_decisions(self.decided_before)
        reveals = traces.old_reveals(self.decided_before)
        samples = HealthSample.objects.filter(sampled_at__lt=self.sampled_before)
        old = traces.old_traces(self.traces_before, self.now)
        return {"decisions": decisions, "reveals": reveals, **old, "health_samples": samples}


def limits(workspace: Workspace, now: datetime) -> Limits:
    """What the policy means now."""
    policy = workspace.retention.records
    return Limits(
        now,
        now - timedelta(days=policy.keep_days),
        Thread.objects.beyond(policy.keep_threads),
        now - timedelta(days=policy.keep_decisions_days),
        now - timedelta(days=policy.keep_traces_days),
        now - timedelta(days=policy.keep_samples_days),
    )


def found(now: Limits) -> dict[str, int]:
    """What a pass would remove."""
    others = {name: rows.count() for name, rows in now.others.items()}
    return {**now.threads.filter(GOES).belongings(), **others}


def kept(now: Limits) -> dict[str, dict[str, int]]:
    """What stays, and why: threads by reason."""
    return {"threads": reasons(now.threads)}


def work(now: Limits, progress: Progress) -> None:
    """Removes it."""
    for thread_id in _candidates(now):
        _remove_thread(now, thread_id, progress)
    for name, rows in now.others.items():
        while count := traces.remove(rows, BATCH):
            progress.add({name: count})
            progress.breathe()
    give_back_space(progress)
    _right_counters()


def _remove_thread(now: Limits, thread_id: str, progress: Progress) -> None:
    try:
        gone = journal.delete_thread(
            thread_id,
            deleted_by="maintenance",
            source="system",
            still=lambda: now.threads.filter(GOES, pk=thread_id).exists(),
            breathe=progress.breathe,
        )
    except (journal.ThreadBusy, journal.ThreadHeld):
        return  # since it was looked at
    if gone:
        counts = Tombstone.objects.values_list("counts", flat=True).get(pk=thread_id)
        progress.add({name: counts[table] for table, name in COUNTED.items()})
    progress.breathe()


def _right_counters() -> None:
    """They are wrong only when somebody changed rows past the triggers; pages would show it for ever."""
    wrong = wrong_counters()
    if wrong:
        said = ", ".join(f"{name} {said} for {there}" for name, (said, there) in wrong.items())
        logger.warning("Counters were wrong and are counted anew: %s.", said)
        recount()


def _candidates(now: Limits) -> Iterator[str]:
    """The ids of threads that may go, the oldest first."""
    after: tuple[datetime, str | int] | None = None
    while True:
        rows = past(now.threads.filter(GOES), "updated_at", "thread_id", after, newest_first=False)
        batch = list(rows.values_list("updated_at", "thread_id")[:BATCH])
        if not batch:
            return
        yield from (thread_id for _, thread_id in batch)
        after = batch[-1]
