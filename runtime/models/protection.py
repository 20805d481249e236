"""What maintenance leaves alone, and why: one expression for pass, preview, page and monitor.

Nothing of a thread is touched while it is held, while a run of it has not ended (it may be queued, running,
waiting or in doubt), or while nobody has said whether a call of it happened.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.apps import apps
from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When

from runtime.lifecycle import ACTIVE, CallState

GOES = Q(kept="")  #: of rows that were asked for with `kept`
Place = tuple[datetime, str]  #: `updated_at` and id of a row: the last one that goes


class Kept(StrEnum):
    """Why something stays."""

    HELD = "held"  #: a person holds its thread
    ACTIVE = "active"  #: a run of its thread has not ended
    IN_DOUBT = "in_doubt"  #: nobody has said whether a call of its thread happened
    YOUNG = "young"  #: it is not old enough
    NEWEST = "newest"  #: it is old enough, but among the newest runs of its thread


def _because(reason: Kept, condition: Any) -> When:
    return When(condition, then=Value(reason.value))


def _of_thread(thread: str, hold: str) -> list[When]:
    """`thread`: the column that names the thread; `hold`: the way from the row to its hold."""
    runs = apps.get_model("runtime", "Run").objects.filter(thread_id=OuterRef(thread))
    calls = apps.get_model("runtime", "ToolCall").objects.filter(thread_id=OuterRef(thread))
    return [
        _because(Kept.HELD, Q(**{f"{hold}__isnull": False})),
        _because(Kept.ACTIVE, Exists(runs.filter(state__in=[state.value for state in ACTIVE]))),
        _because(Kept.IN_DOUBT, Exists(calls.filter(state=CallState.IN_DOUBT.value))),
    ]


def _case(*whens: When) -> Case:
    return Case(*whens, default=Value(""), output_field=CharField())


def of_text(ended_before: datetime) -> Case:
    """Why the streamed text of an ended run stays; empty when it may go."""
    # What was brought along is as old as that: nobody has had the time to look at it.
    young = Q(updated_at__gte=ended_before) | Q(imported_at__gte=ended_before)
    return _case(*_of_thread("thread_id", "thread__hold"), _because(Kept.YOUNG, young))


def of_chain(ended_before: datetime, newest: int, too_many: Place | None) -> Case:
    """Why the checkpoints of an ended run stay. `too_many`: up to here, those of the `newest` runs of a
    thread go as well, since all together are too large."""
    among_newest = Q(position__gt=F("thread__run_count") - newest)
    return _case(
        *_of_thread("thread_id", "thread__hold"),
        _because(Kept.YOUNG, Q(updated_at__gte=ended_before)),
        _because(Kept.NEWEST, among_newest & ~_up_to(too_many, "run_id")),
    )


def of_thread(changed_before: datetime, too_many: Place | None) -> Case:
    """Why a thread stays. `too_many`: up to here, threads go whatever their age."""
    old = Q(updated_at__lt=changed_before) | _up_to(too_many, "thread_id")
    runs = apps.get_model("runtime", "Run").objects.filter(thread_id=OuterRef("thread_id"))
    brought = Exists(runs.filter(imported_at__gte=changed_before)) & ~_up_to(too_many, "thread_id")
    return _case(*_of_thread("thread_id", "hold"), _because(Kept.YOUNG, ~old | brought))


def reasons(rows: QuerySet[Any]) -> dict[str, int]:
    """How many of the rows stay for which reason."""
    return dict(rows.exclude(GOES).order_by().values_list("kept").annotate(n=Count("pk")))


def _up_to(place: Place | None, key: str) -> Q:
    if place is None:
        return Q(pk__in=[])
    moment, last = place
    return Q(updated_at__lt=moment) | Q(**{"updated_at": moment, f"{key}__lte": last})
