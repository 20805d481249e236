"""The rows of many runs, read in few statements, handed out run by run without being held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from runtime.models import (
    Approval,
    Artifact,
    Checkpoint,
    DecisionRecord,
    Event,
    RunRequest,
    ThreadMessage,
    ToolCall,
)
from runtime.upkeep.verify.story import Row

AT_ONCE = 500  #: rows that are fetched together


class Stream:
    """Rows in the order of their runs."""

    def __init__(self, rows: QuerySet[Any], order: str, left_out: tuple[str, ...] = ()) -> None:
        names = [field.attname for field in rows.model._meta.concrete_fields if field.name not in left_out]
        found = rows.order_by("run_id", *order.split()).values(*names)
        self._rows = found.iterator(chunk_size=AT_ONCE)
        self._next: Row | None = next(self._rows, None)

    def of(self, run_id: str) -> Iterator[Row]:
        """Those of the next run; to be read to their end."""
        while self._next is not None and self._next["run_id"] == run_id:
            row, self._next = self._next, next(self._rows, None)
            yield row


class Streams:
    """All rows of some runs, to be taken in the order of the runs' ids as the database has it."""

    def __init__(self, run_ids: list[str]) -> None:
        def of(model: Any, order: str, *left_out: str) -> Stream:
            return Stream(model.objects.filter(run_id__in=run_ids), order, left_out)

        self.events = of(Event, "sequence", "id")
        self.messages = of(ThreadMessage, "id")
        self.calls = of(ToolCall, "turn position")
        self.approvals = of(Approval, "requested_at", "arguments_schema_json")
        self.decisions = of(DecisionRecord, "id")
        self.artifacts = of(Artifact, "path")
        self.checkpoints = of(Checkpoint, "step")
        self.requests = of(RunRequest, "run_id")
