"""Events: what happened to a run, gapless and append-only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from runtime.events import EventType, iso
from runtime.models.base import OctetLength
from runtime.models.rows import select
from runtime.models.run import Run
from runtime.models.thread import Thread

#: A model call has ended, in this way or that. An OR: SQLite uses a partial index for no IN with parameters.
_CALL_ENDED = (
    Q(type=EventType.MODEL_COMPLETED.value)
    | Q(type=EventType.MODEL_RETRIED.value)
    | Q(type=EventType.MODEL_FAILED.value)
)
#: A run enters another state.
_MOVES = [
    EventType.RUN_QUEUED.value,
    EventType.RUN_DEQUEUED.value,
    EventType.RUN_RECOVERED.value,
    EventType.RUN_STATE_CHANGED.value,
]


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a model call has said so far."""

    call: int
    text: str
    started_at: datetime


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of events."""

    def of_run(self, run_id: str, after: int = 0, kind: str | None = None) -> EventQuerySet:
        """A run's events after a sequence, ascending; with `kind`, those of one type."""
        rows = self.filter(run_id=run_id, sequence__gt=after).order_by("sequence")
        return rows if kind is None else rows.filter(type=kind)

    def streamed(self, run_id: str, until: int) -> Streamed | None:
        """The text of the last model call as of event `until`; None before the first call."""
        seen = self.filter(run_id=run_id, sequence__lte=until)
        start = seen.filter(type=EventType.MODEL_STARTED.value).order_by("-sequence").first()
        if start is None:
            return None
        pieces = seen.filter(sequence__gt=start.sequence, type=EventType.OUTPUT_DELTA.value)
        bodies = pieces.exclude(event_json="").order_by("sequence").values_list("event_json", flat=True)
        text = "".join(str(orjson.loads(body).get("text", "")) for body in bodies)
        call = start.body.get("call")
        return Streamed(call if isinstance(call, int) else 0, text, start.created_at)

    def ended_calls(self, after: datetime, until: datetime, limit: int) -> list[tuple[datetime, str]]:
        """`(created_at, event_json)` of the events that end model calls, of all runs, in their order: those
        later than `after` and not later than `until`, the first `limit`."""
        rows = self.filter(_CALL_ENDED, created_at__gt=after, created_at__lte=until).order_by("created_at")
        return list(rows.values_list("created_at", "event_json")[:limit])

    def cancelled_by(self, run_id: str) -> str:
        """Who cancelled a run; empty when nobody did."""
        event = self.of_run(run_id, kind=EventType.RUN_CANCEL_REQUESTED.value).last()
        return str(event.body.get("requested_by") or "") if event else ""

    def worked(self, run_id: str) -> float:
        """The seconds from each claim of a run to the move that ended its work."""
        moves = self.filter(run_id=run_id, type__in=_MOVES).order_by("sequence")
        seconds, since = 0.0, None
        for kind, moment in moves.values_list("type", "created_at"):
            if since is not None:
                seconds += (moment - since).total_seconds()
            since = moment if kind == EventType.RUN_DEQUEUED else None
        return seconds

    def with_text(self, runs: Any) -> EventQuerySet:
        """The events of these runs (ids, or a query for them) that hold streamed text."""
        return self.filter(run_id__in=runs, type=EventType.OUTPUT_DELTA.value).exclude(event_json="")

    def text_bytes(self) -> int:
        """The bytes of all their payloads."""
        found: int = self.aggregate(bytes=Coalesce(Sum(OctetLength("event_json")), 0))["bytes"]
        return found

    def newest_id(self) -> int:
        """The id of the newest event of all runs; 0: none. A page that lists runs asks for it first, and its
        stream then tells of everything after it."""
        return int(select("SELECT max(id) FROM events", [])[0][0] or 0)

    def for_waterfall(
        self, run_id: str, types: Collection[str], before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """The newest `limit` events of these types before a sequence, oldest first."""
        rows = self.filter(run_id=run_id, type__in=types).order_by("-sequence")
        if before is not None:
            rows = rows.filter(sequence__lt=before)
        return [orjson.loads(body) for body in reversed(rows.values_list("event_json", flat=True)[:limit])]

    def latest_rows(self, run_id: str, until: int, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` events up to `until`, without streamed text, oldest first."""
        seen = self.filter(run_id=run_id, sequence__lte=until).exclude(type=EventType.OUTPUT_DELTA.value)
        bodies = seen.order_by("-sequence").values_list("event_json", flat=True)[:limit]
        return [orjson.loads(body) for body in reversed(bodies)]


class Event(models.Model):
    """One row of `events`. `event_json` is the exact text that was hashed and is streamed."""

    id = models.BigAutoField(primary_key=True)
    # Not constrained by the database, which would have to look at every event before a thread's row may go: a
    # trigger lets none in without its run, and what a deletion leaves has a tombstone.
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    sequence = models.PositiveIntegerField()
    type = models.CharField(max_length=32)
    event_json = models.TextField()
    hash = models.BinaryField(help_text="SHA-256 over the predecessor's hash and event_json.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = EventQuerySet.as_manager()

    class Meta:
        db_table = "events"
        constraints = [
            models.UniqueConstraint(fields=["thread", "run", "sequence"], name="events_unique"),
            # Reads go by run alone, and so does the cascade of a delete.
            models.UniqueConstraint(fields=["run", "sequence"], name="events_run_sequence"),
        ]
        indexes = [models.Index(fields=["created_at"], name="events_ended_calls", condition=_CALL_ENDED)]

    def __str__(self) -> str:
        return f"{self.sequence} {self.type}"

    @property
    def body(self) -> dict[str, Any]:
        """The event as a dictionary; of one that maintenance has emptied, what its row still says."""
        if not self.event_json:
            return {
                "type": self.type,
                "thread_id": self.thread_id,
                "run_id": self.run_id,
                "sequence": self.sequence,
                "timestamp": iso(self.created_at),
                "text": "",  # maintenance empties streamed text alone
            }
        value: dict[str, Any] = orjson.loads(self.event_json)
        return value
