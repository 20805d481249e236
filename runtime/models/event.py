"""Events: what happened to a run, gapless and append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import models
from django.utils import timezone

from runtime.events import EventType
from runtime.models.run import Run
from runtime.models.thread import Thread


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
        bodies = pieces.order_by("sequence").values_list("event_json", flat=True)
        text = "".join(str(orjson.loads(body).get("text", "")) for body in bodies)
        return Streamed(int(start.body.get("call") or 0), text, start.created_at)

    def newest_id(self) -> int:
        """The id of the newest event of all runs; 0: none. A page that lists runs asks for it first, and its
        stream then tells of everything after it."""
        return self.order_by("-id").values_list("id", flat=True).first() or 0

    def latest_rows(self, run_id: str, until: int, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` events up to `until`, without streamed text, oldest first."""
        seen = self.filter(run_id=run_id, sequence__lte=until).exclude(type=EventType.OUTPUT_DELTA.value)
        bodies = seen.order_by("-sequence").values_list("event_json", flat=True)[:limit]
        return [orjson.loads(body) for body in reversed(bodies)]


class Event(models.Model):
    """One row of `events`. `event_json` is the exact text that was hashed and is streamed."""

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, db_index=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events", db_index=False)
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

    def __str__(self) -> str:
        return f"{self.sequence} {self.type}"

    @property
    def body(self) -> dict[str, Any]:
        """The event as a dictionary."""
        value: dict[str, Any] = orjson.loads(self.event_json)
        return value
