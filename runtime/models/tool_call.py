"""Tool calls: what the model wanted to run, as the executor will run it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from runtime import canonical
from runtime.lifecycle import CallState
from runtime.models.base import ID_LENGTH, new_id
from runtime.models.message import ThreadMessage
from runtime.models.rows import select
from runtime.models.run import Run
from runtime.models.thread import Thread

_UNFINISHED = (
    "SELECT tool_call_id, state, tool_name FROM tool_calls "
    "WHERE run_id = %s AND finished_at IS NULL ORDER BY turn, position"
)
_EDITED = (
    "SELECT DISTINCT message_id, provider_call_id, arguments_json FROM tool_calls "
    "JOIN approvals ON approvals.tool_call_id = tool_calls.tool_call_id "
    "WHERE approvals.thread_id = %s AND approvals.status = 'edited'"
)


class ToolCallQuerySet(models.QuerySet["ToolCall"]):
    """Reads of tool calls, named after the process that needs them."""

    def unfinished(self, run_id: str) -> list[tuple[str, str, str]]:
        """Id, state and tool of a run's calls without a result, in the order of the reply."""
        return [(call_id, state, name) for call_id, state, name in select(_UNFINISHED, [run_id])]

    def edited(self, thread_id: str) -> dict[int, dict[str, str]]:
        """What reviewers put in the place of arguments: message -> the model's call id -> JSON text."""
        found: dict[int, dict[str, str]] = {}
        for message_id, call_id, text in select(_EDITED, [thread_id]):
            found.setdefault(message_id, {})[call_id] = text or "{}"
        return found


class ToolCall(models.Model):
    """One call of a reply. `arguments` are the current ones: the model's, or the reviewer's edit."""

    tool_call_id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="tool_calls", db_index=False)
    message = models.ForeignKey(ThreadMessage, on_delete=models.CASCADE, related_name="calls")
    turn = models.PositiveIntegerField(help_text="Which reply of the run, from 1.")
    position = models.PositiveIntegerField(help_text="Place in the reply, from 0.")
    provider_call_id = models.CharField(max_length=200, help_text="The model's own id of the call.")
    tool_name = models.CharField(max_length=200)
    tool_version = models.CharField(max_length=64, default="")
    raw_arguments = models.TextField(help_text="As the model sent them.")
    # Text, not JSONField: PostgreSQL's jsonb would rewrite numbers, and the digest is over bytes.
    arguments_json = models.TextField(null=True, help_text="Canonical JSON; null when malformed.")
    digest = models.CharField(max_length=64, default="")
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in CallState])
    rule = models.CharField(max_length=200, default="", help_text="The rule that allowed, denied or asked.")
    answer = models.TextField(default="", help_text="What the model is told when the call does not run.")
    attempt = models.PositiveIntegerField(default=0)
    idempotency_key = models.CharField(max_length=64, default="")
    worker = models.CharField(max_length=200, default="")
    result = models.TextField(null=True)
    error = models.TextField(null=True)
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True, help_text="Set when the transcript holds its result.")
    duration_ms = models.PositiveIntegerField(null=True)

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        db_table = "tool_calls"
        constraints = [
            models.UniqueConstraint(fields=["run", "turn", "position"], name="tool_calls_place"),
        ]
        indexes = [
            models.Index(
                fields=["thread"],
                name="tool_calls_in_doubt",
                condition=models.Q(state=CallState.IN_DOUBT.value),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} ({self.state})"

    @property
    def arguments(self) -> dict[str, Any] | None:
        """What will run; None when the model's text was malformed."""
        return None if self.arguments_json is None else canonical.parse(self.arguments_json)
