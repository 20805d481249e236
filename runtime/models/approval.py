"""Approvals, the decisions that settle them, and the recovery intents that decisions leave behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Min
from django.utils import timezone

from runtime.lifecycle import ApprovalStatus
from runtime.models import counters
from runtime.models.base import ID_LENGTH, VerbatimJSON, first_here, new_id
from runtime.models.keyset import meeting, past
from runtime.models.run import Run
from runtime.models.thread import Thread
from runtime.models.tool_call import ToolCall


class ApprovalQuerySet(models.QuerySet["Approval"]):
    """Reads of approvals, named after the page or process that needs them."""

    def pending(self) -> ApprovalQuerySet:
        return self.filter(status=ApprovalStatus.PENDING.value)

    def count_pending(self) -> int:
        """How many wait, of all."""
        return counters.counts()[counters.PENDING]

    def in_order(self, after: tuple[datetime, str] | None = None) -> ApprovalQuerySet:
        """Oldest first; with `after` (`requested_at` and id of a row), what follows that row."""
        return past(self, "requested_at", "approval_id", after, newest_first=False)

    def next_after(self, approval: Approval) -> Approval | None:
        """The next pending one of the queue; after its last one the first. None: no other waits."""
        others = self.pending().exclude(pk=approval.pk)
        place = (approval.requested_at, approval.pk)
        return others.in_order(place).first() or others.in_order().first()

    def matching(
        self,
        *,
        status: str | None = None,
        run: str | None = None,
        thread: str | None = None,
        tool: str | None = None,
        agent: str | None = None,
    ) -> ApprovalQuerySet:
        """Those that meet every filter given."""
        given = {
            "status": status,
            "run_id": run,
            "thread_id": thread,
            "tool_name": tool,
            "agent_id": agent,
        }
        return meeting(self, given, narrow=["run_id", "thread_id"], wide=["status", "tool_name", "agent_id"])

    def pending_since(self) -> datetime | None:
        """Since when the oldest pending one waits here."""
        return first_here(self.pending(), "requested_at", "run__imported_at")

    def next_alarm(self, now: datetime) -> datetime | None:
        """When the next deadline passes."""
        coming = self.pending().filter(expires_at__gt=now)
        found: datetime | None = coming.aggregate(first=Min("expires_at"))["first"]
        return found

    def overdue(self, now: datetime) -> ApprovalQuerySet:
        return self.pending().filter(expires_at__lte=now).in_order()


class Approval(models.Model):
    """One row of `approvals`: a person is asked about one tool call."""

    approval_id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id)
    pending_action_id = models.CharField(max_length=ID_LENGTH, default=new_id)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, db_index=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="approvals", db_index=False)
    # More than one when a call in doubt did not happen: running it again is asked anew.
    tool_call = models.ForeignKey(
        ToolCall, on_delete=models.CASCADE, related_name="approvals", db_column="tool_call_id"
    )
    tool_name = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=[(s.value, s.value) for s in ApprovalStatus])
    requested_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True)
    allowed_decisions_json: Any = VerbatimJSON()
    input_preview_json: Any = VerbatimJSON(help_text="The arguments a reviewer is shown.")
    checkpoint_ref = models.CharField(max_length=128)
    event_refs_json: Any = VerbatimJSON(default=list, help_text="Sequences of its events.")

    agent_id = models.CharField(max_length=200, default="")
    digest = models.CharField(max_length=64, help_text="Of tool, version and arguments as shown.")
    arguments_schema_json: Any = VerbatimJSON(default=dict)
    rule = models.CharField(max_length=200, default="")
    rule_reason = models.TextField(default="")
    expires_at = models.DateTimeField(null=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        db_table = "approvals"
        indexes = [
            # Written once: nothing in these changes with a decision.
            models.Index(fields=["requested_at", "approval_id"], name="approvals_requested"),
            models.Index(fields=["tool_name", "requested_at", "approval_id"], name="approvals_tool"),
            models.Index(fields=["agent_id", "requested_at", "approval_id"], name="approvals_agent"),
            models.Index(fields=["thread", "requested_at", "approval_id"], name="approvals_thread"),
            models.Index(fields=["run", "requested_at", "approval_id"], name="approvals_run"),
            models.Index(
                fields=["thread", "run", "requested_at", "approval_id"], name="approvals_thread_run"
            ),
            # Written again with a decision.
            models.Index(
                fields=["status", "-requested_at", "-approval_id"], name="approvals_status_requested"
            ),
            models.Index(
                fields=["tool_name", "status", "requested_at", "approval_id"], name="approvals_tool_status"
            ),
            models.Index(
                fields=["agent_id", "status", "requested_at", "approval_id"], name="approvals_agent_status"
            ),
            # Of those that wait and have a deadline alone.
            models.Index(
                fields=["status", "expires_at"],
                name="approvals_status_expires",
                condition=models.Q(status=ApprovalStatus.PENDING.value, expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} ({self.status})"

    @property
    def waits_since(self) -> datetime:
        """Since when it waits here: an imported one was asked elsewhere, where nobody answered. Reads the
        run."""
        return max(self.requested_at, self.run.imported_at or self.requested_at)


class DecisionQuerySet(models.QuerySet["DecisionRecord"]):
    """Reads of decisions."""

    def made_between(self, after: datetime, until: datetime, limit: int) -> list[DecisionRecord]:
        """Those made later than `after` and not later than `until`, oldest first, the first `limit`."""
        rows = self.filter(decided_at__gt=after, decided_at__lte=until).order_by("decided_at")
        return list(rows.only("approval_id", "decision", "decided_at", "source")[:limit])


class DecisionRecord(models.Model):
    """One row of `decisions`: append-only, and without foreign keys, so that it outlives its thread."""

    id = models.BigAutoField(primary_key=True)
    approval_id = models.CharField(max_length=ID_LENGTH, db_index=True)
    thread_id = models.CharField(max_length=ID_LENGTH)
    run_id = models.CharField(max_length=ID_LENGTH, db_index=True)
    tool_call_id = models.CharField(max_length=ID_LENGTH)
    tool_name = models.CharField(max_length=200)
    decision = models.CharField(max_length=16)
    decided_by = models.CharField(max_length=200)
    decided_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=16, help_text="page, api, command or system")
    address = models.CharField(max_length=64, default="")
    reason = models.TextField(default="")
    content = models.TextField(null=True)
    arguments_before: Any = VerbatimJSON(null=True)
    arguments_after: Any = VerbatimJSON(null=True)
    digest = models.CharField(max_length=64, help_text="Of what was shown.")
    spent_at = models.DateTimeField(null=True, help_text="When its call started; it grants nothing more.")

    objects = DecisionQuerySet.as_manager()

    class Meta:
        db_table = "decisions"
        indexes = [
            models.Index(fields=["-decided_at"], name="decisions_decided"),
            models.Index(fields=["decided_by"], name="decisions_decided_by"),
        ]

    def __str__(self) -> str:
        return f"{self.decision} by {self.decided_by}"


class RecoveryIntent(models.Model):
    """One row of `recovery_intents` per decision: how the run goes on from it.

    `intent_json` is `{"kind": "approval-decision", "savedAt", "checkpointRef", "resumePayload", "attempts"}`.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="recovery_intents")
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE)
    approval = models.OneToOneField(Approval, null=True, on_delete=models.CASCADE)
    intent_json: Any = VerbatimJSON()
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "recovery_intents"

    def __str__(self) -> str:
        return f"intent of {self.run_id}"
