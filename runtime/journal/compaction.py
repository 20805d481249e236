"""What goes of runs that have ended: the streamed text in their events, and their checkpoints.

Each call is one short transaction, and looks again which runs may be touched once nobody can change that any
more. A run is marked when all of it is done; whoever comes after a crash finds those without the mark.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from runtime.faults import Point, reach
from runtime.journal.transaction import unit
from runtime.models import Checkpoint, Event, RecoveryIntent, Run, Thread
from runtime.models.run import RunQuerySet


def empty_text(runs: RunQuerySet, ids: Collection[str], most: int) -> tuple[dict[str, int], bool]:
    """Empties up to `most` events of those of `runs` that have one of these ids. Gives `{"texts",
    "text_bytes"}` and whether that was all; then the runs are marked."""
    with unit():
        found = _locked(runs, ids)
        due = Event.objects.with_text(found).order_by("run_id", "sequence").values_list("pk", flat=True)
        rows = Event.objects.filter(pk__in=list(due[:most]))
        done = {"texts": 0, "text_bytes": rows.text_bytes()}
        done["texts"] = rows.update(event_json="")
        complete = done["texts"] < most
        if complete:
            Run.objects.filter(pk__in=found).update(text_emptied_at=datetime.now(UTC))
        reach(Point.TEXT_WRITTEN)
    reach(Point.TEXT_COMMITTED)
    return done, complete


def remove_chains(runs: RunQuerySet, ids: Collection[str]) -> dict[str, int]:
    """Removes all checkpoints and recovery intents of those of `runs` that have one of these ids; gives the
    sizes of the checkpoints."""
    with unit():
        found = _locked(runs, ids)
        chains = Checkpoint.objects.filter(run_id__in=found)
        done = {"chains": len(found), **chains.sizes()}
        RecoveryIntent.objects.filter(run_id__in=found).delete()
        chains.delete()
        Run.objects.filter(pk__in=found).update(checkpoint_ref=None)
        reach(Point.CHAIN_WRITTEN)
    reach(Point.CHAIN_COMMITTED)
    return done


def _locked(runs: RunQuerySet, ids: Collection[str]) -> list[str]:
    """Those that may be touched still: their threads cannot be held, nor deleted, before this is over."""
    mine = Run.objects.filter(pk__in=ids)
    list(mine.order_by("run_id").select_for_update(no_key=True).values_list("run_id"))
    threads = Thread.objects.filter(pk__in=list(mine.order_by().values_list("thread_id", flat=True)))
    list(threads.order_by("thread_id").select_for_update(no_key=True).values_list("thread_id"))
    return list(runs.filter(pk__in=ids).values_list("run_id", flat=True))
