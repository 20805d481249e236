"""Events: what happened to a run, gapless and append-only."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import models
from django.utils import timezone

from runtime.models.run import Run
from runtime.models.thread import Thread


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of events."""

    def of_run(self, run_id: str, after: int = 0) -> EventQuerySet:
        return self.filter(run_id=run_id, sequence__gt=after).order_by("sequence")


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
