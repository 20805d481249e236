"""Messages of a thread: the transcript that the model sees, and so the checkpoint."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from runtime import canonical
from runtime.models.base import ID_LENGTH, OctetLength, VerbatimJSON
from runtime.models.keyset import past
from runtime.models.rows import select
from runtime.models.run import Run
from runtime.models.thread import Thread

CHARACTERS_PER_TOKEN = 8  #: more than any model's tokens have, so that too much is read and not too little
BATCH = 200
LAST = 2**62
Content = tuple[int, str, dict[str, Any]]

_BACKWARDS = (
    "SELECT runs.position, thread_messages.id, role, CAST(content_json AS TEXT) FROM runs AS mine "
    "JOIN runs ON runs.thread_id = mine.thread_id AND runs.position <= mine.position "
    "JOIN thread_messages ON thread_messages.run_id = runs.run_id "
    "WHERE mine.run_id = %s AND (runs.position < %s OR (runs.position = %s AND thread_messages.id < %s)) "
    "ORDER BY runs.position DESC, thread_messages.id DESC LIMIT %s"
)
_ADDED = (
    "SELECT id, role, CAST(content_json AS TEXT) FROM thread_messages "
    "WHERE run_id = %s AND id > %s ORDER BY id"
)


class MessageQuerySet(models.QuerySet["ThreadMessage"]):
    """Reads of messages."""

    def newest(
        self, thread_id: str, limit: int = 12, before: tuple[datetime, int] | None = None
    ) -> list[ThreadMessage]:
        """The newest `limit` messages of a thread, oldest first; with `before` (`created_at` and id of a
        message), the newest ones before that."""
        rows = past(self.filter(thread_id=thread_id), "created_at", "id", before, newest_first=True)[:limit]
        return list(reversed(rows))

    def for_model(self, run_id: str, window_tokens: int) -> list[Content]:
        """Key, role and content of what a run's model may see: run by run in the order of their creation,
        because a message may be sent while an earlier run still waits. Only as far back as surely fills the
        window, and always from a user's message on; a short way, however long the thread."""
        most = window_tokens * CHARACTERS_PER_TOKEN
        found: list[Content] = []
        before: tuple[int, int] = (LAST, LAST)
        while True:
            batch = select(_BACKWARDS, [run_id, before[0], *before, BATCH])
            for position, key, role, text in batch:
                before = (position, key)
                found.append((key, role, json.loads(text)))
                most -= len(text)
                if most < 0 and role == "user":
                    return found[::-1]
            if len(batch) < BATCH:
                return found[::-1]

    def added(self, run_id: str, after: int) -> list[Content]:
        """Key, role and content of a run's own messages after the one with the key `after`."""
        return [(key, role, json.loads(text)) for key, role, text in select(_ADDED, [run_id, after])]


class ThreadMessage(models.Model):
    """One row of `thread_messages`; append-only.

    `content_json` is `{"text": …}`, for an assistant with `"tool_calls": [{"id", "name", "arguments"}]`
    (`arguments` is the raw text the model sent), for a tool with `"tool_call_id"` (the model's id) and
    `"tool_name"`.
    """

    id = models.BigAutoField(primary_key=True)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="messages", db_index=False)
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

    @property
    def digest(self) -> str:
        """Of its content; the event that it comes with carries it."""
        return canonical.digest(self.content_json)


#: The bytes of a checkpoint's texts.
SIZE = OctetLength("checkpoint_ref") + OctetLength("thread_id") + OctetLength("run_id") + OctetLength("kind")


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    """Reads of checkpoints."""

    def sizes(self) -> dict[str, int]:
        """`{"checkpoints", "checkpoint_bytes"}`; the bytes are those of their texts."""
        found: dict[str, int] = self.aggregate(
            checkpoints=Count("pk"), checkpoint_bytes=Coalesce(Sum(SIZE), 0)
        )
        return found


class Checkpoint(models.Model):
    """A step record: the transcript up to `message_id` is a point to resume from.

    What a step adds is stored once, as messages; this row only bounds it, so a step costs the same
    at any length of the run.
    """

    id = models.BigAutoField(primary_key=True)
    checkpoint_ref = models.CharField(max_length=128, unique=True)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints", db_index=False)
    step = models.PositiveIntegerField()
    kind = models.CharField(max_length=32, help_text="input, reply or result")
    message_id = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        db_table = "checkpoints"
        constraints = [models.UniqueConstraint(fields=["run", "step"], name="checkpoints_run_step")]

    def __str__(self) -> str:
        return self.checkpoint_ref


def checkpoint_ref(run_id: str, step: int) -> str:
    """The name of a run's checkpoint."""
    assert len(run_id) <= ID_LENGTH
    return f"{run_id}.{step}"
