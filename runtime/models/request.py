"""What was asked for a run, and the agent it was resolved to."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from runtime.models.base import VerbatimJSON
from runtime.models.rows import select
from runtime.models.run import Run
from runtime.models.thread import Thread

_FOR_ADVANCE = (
    "SELECT runs.thread_id, CAST(resolved_json AS TEXT), runs.state FROM run_requests "
    "JOIN runs ON runs.run_id = run_requests.run_id WHERE runs.run_id = %s"
)


class RunRequestQuerySet(models.QuerySet["RunRequest"]):
    """Reads of run requests."""

    def for_advance(self, run_id: str) -> tuple[str, str, str]:
        """The thread of a run, as JSON text its agent as resolved at start, and its state. Raises
        DoesNotExist."""
        found = select(_FOR_ADVANCE, [run_id])
        if not found:
            raise RunRequest.DoesNotExist(run_id)
        thread_id, resolved, state = found[0]
        return str(thread_id), str(resolved), str(state)


class RunRequest(models.Model):
    """What was asked: one row of `run_requests` per run, kept for resume and retry."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.CASCADE, related_name="request")
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE)
    request_json: Any = VerbatimJSON(help_text="input, invocation, savedAt")
    saved_at = models.DateTimeField(default=timezone.now)
    resolved_json: Any = VerbatimJSON(
        help_text="The agent, model, rules and limits as resolved at start: a resume uses the same."
    )
    requested_by = models.CharField(max_length=200, default="")
    idempotency_key = models.CharField(max_length=200, null=True)
    body_digest = models.CharField(max_length=64, default="")

    objects = RunRequestQuerySet.as_manager()

    class Meta:
        db_table = "run_requests"
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "idempotency_key"], name="run_requests_idempotency"
            ),
        ]

    def __str__(self) -> str:
        return f"request of {self.run_id}"
