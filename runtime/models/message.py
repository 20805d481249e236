"""Messages of a thread: the transcript that the model sees, and so the checkpoint."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from runtime.models.base import ID_LENGTH, VerbatimJSON
from runtime.models.keyset import past
from runtime.models.run import Run
from runtime.models.thread import Thread


class MessageQuerySet(models.QuerySet["ThreadMessage"]):
    """Reads of messages."""

    def newest(
        self, thread_id: str, limit: int = 12, before: tuple[datetime, int] | None = None
    ) -> list[ThreadMessage]:
        """The newest `limit` messages of a thread, oldest first; with `before` (`created_at` and id of a
        message), the newest ones before that."""
        rows = past(self.filter(thread_id=thread_id), "created_at", "id", before, newest_first=True)[:limit]
        return list(reversed(rows))


class ThreadMessage(models.Model):
    """One row of `thread_messages`; append-only.

    `content_json` is `{"text": …}`, for an assistant with `"tool_calls": [{"id", "name", "arguments"}]`
    (`arguments` is the raw text the model sent), for a tool with `"tool_call_id"` (the model's id) and
    `"tool_name"`.
    """

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="messages")
    role = models.CharField(max_length=16)
    content_json: Any = VerbatimJSON()
    run = models.ForeignKey(Run, null=True, on_delete=models.CASCADE, related_name="messages")
    created_at = models.DateTimeField(default=timezone.now)

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "thread_messages"
        indexes = [models.Index(fields=["thread", "created_at", "id"], name="messages_thread_created")]

    def __str__(self) -> str:
        return f"{self.role} message {self.pk}"

    @property
    def text(self) -> str:
        return str(self.content_json.get("text", ""))


class Checkpoint(models.Model):
    """A step record: the transcript up to `message_id` is a point to resume from.

    What a step adds is stored once, as messages; this row only bounds it, so a step costs the same
    at any length of the run.
    """

    id = models.BigAutoField(primary_key=True)
    checkpoint_ref = models.CharField(max_length=128, unique=True)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    step = models.PositiveIntegerField()
    kind = models.CharField(max_length=32, help_text="input, reply or result")
    message_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "checkpoints"
        constraints = [models.UniqueConstraint(fields=["run", "step"], name="checkpoints_run_step")]

    def __str__(self) -> str:
        return self.checkpoint_ref


def checkpoint_ref(run_id: str, step: int) -> str:
    """The name of a run's checkpoint."""
    assert len(run_id) <= ID_LENGTH
    return f"{run_id}.{step}"
