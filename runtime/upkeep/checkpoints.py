"""Checkpoint maintenance: of runs that have ended, the streamed text in their events and, later, their
checkpoints. Whole chains only: a run keeps all of its checkpoints or none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, Subquery, Sum

from runtime.journal import compaction, space
from runtime.models import Checkpoint, Event, Run
from runtime.models.message import SIZE
from runtime.models.protection import GOES, Kept, Place, reasons
from runtime.models.run import RunQuerySet
from runtime.upkeep.progress import Progress
from runtime.workspace import Workspace

EVENTS_AT_ONCE = 2_000  #: of the runs that are looked at together


@dataclass(frozen=True)
class Limits:
    """The policy at one moment."""

    text_before: datetime
    ended_before: datetime
    newest: int
    batch: int
    too_many: Place | None = None

    @property
    def with_text(self) -> RunQuerySet:
        """Runs whose streamed text is there, with `kept`."""
        return Run.objects.with_text(self.text_before)

    @property
    def with_chain(self) -> RunQuerySet:
        """Runs whose checkpoints are there, with `kept`."""
        return Run.objects.with_chain(self.ended_before, self.newest, self.too_many)


def limits(workspace: Workspace, now: datetime) -> Limits:
    """What the policy means now."""
    policy, batch = workspace.retention.checkpoints, workspace.maintenance.checkpoints.batch
    text_before = now - timedelta(seconds=policy.keep_text_seconds)
    found = Limits(text_before, now - timedelta(days=policy.keep_days), policy.keep_runs, batch)
    too_many = _too_many(found, policy.keep_bytes)
    return Limits(found.text_before, found.ended_before, found.newest, found.batch, too_many)


def _too_many(found: Limits, keep_bytes: int) -> Place | None:
    """When what is left would be too large: up to which run those of the newest go, too, the oldest first."""
    excess = Checkpoint.objects.all().sizes()["checkpoint_bytes"] - keep_bytes
    if excess > 0:
        excess -= _chains(found.with_chain.filter(GOES)).sizes()["checkpoint_bytes"]
    if excess <= 0:
        return None
    own = Checkpoint.objects.filter(run_id=OuterRef("pk")).order_by().values("run_id")
    size = Subquery(own.annotate(bytes=Sum(SIZE)).values("bytes"))
    rows = found.with_chain.filter(Q(kept=Kept.NEWEST.value)).annotate(bytes=size)
    place: Place | None = None
    for moment, run_id, own_bytes in (
        rows.order_by("updated_at", "run_id").values_list("updated_at", "run_id", "bytes").iterator()
    ):
        if excess <= 0:
            break
        place = (moment, run_id)
        excess -= own_bytes or 0
    return place


def found(now: Limits) -> dict[str, int]:
    """What a pass would remove."""
    events = Event.objects.with_text(now.with_text.filter(GOES).values("run_id"))
    chains = now.with_chain.filter(GOES)
    return {
        "texts": events.count(),
        "text_bytes": events.text_bytes(),
        "chains": chains.count(),
        **_chains(chains).sizes(),
    }


def kept(now: Limits) -> dict[str, dict[str, int]]:
    """What stays, and why: runs by reason."""
    return {"texts": reasons(now.with_text), "chains": reasons(now.with_chain)}


def work(now: Limits, progress: Progress) -> None:
    """Removes it."""
    for ids in _batches(now.with_text, now.batch):
        complete = False
        while not complete:
            done, complete = compaction.empty_text(now.with_text.filter(GOES), ids, now.batch)
            progress.add(done)
            progress.breathe()
    for ids in _batches(now.with_chain, now.batch):
        progress.add(compaction.remove_chains(now.with_chain.filter(GOES), ids))
        progress.breathe()
    give_back_space(progress)


def give_back_space(progress: Progress) -> None:
    """Lets the database's file become smaller."""
    while freed := space.give_back():
        progress.add({"file_bytes": freed})
        progress.breathe()


def _chains(runs: RunQuerySet) -> Any:
    return Checkpoint.objects.filter(run_id__in=runs.values("run_id"))


def _batches(runs: RunQuerySet, batch: int) -> Iterator[list[str]]:
    """The ids of those that may go, few at a time: together they have about `EVENTS_AT_ONCE` events."""
    after = ""
    while True:
        rows = runs.filter(GOES, run_id__gt=after).order_by("run_id")
        ids: list[str] = []
        events = 0
        for run_id, count in rows.values_list("run_id", "last_sequence")[:batch]:
            ids.append(run_id)
            events += count
            if events >= EVENTS_AT_ONCE:
                break
        if not ids:
            return
        yield ids
        after = ids[-1]
