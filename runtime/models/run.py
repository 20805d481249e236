"""A run: one request carried out by an agent, from queued to its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.utils import timezone

from runtime.lifecycle import ACTIVE, TERMINAL, WAITING, RunState
from runtime.models.base import ID_LENGTH, VerbatimJSON, new_id
from runtime.models.keyset import past
from runtime.models.search import runs_with
from runtime.models.thread import Thread

CLAIM_BATCH = 16


class RunQuerySet(models.QuerySet["Run"]):
    """Reads of runs, named after the page or process that needs them."""

    def active(self) -> RunQuerySet:
        return self.filter(state__in=[s.value for s in ACTIVE])

    def for_list(self, after: tuple[datetime, str] | None = None) -> RunQuerySet:
        """Newest change first; with `after` (`updated_at` and id of a row), what follows that row."""
        return past(self, "updated_at", "run_id", after, newest_first=True)

    def matching(
        self,
        *,
        state: str | None = None,
        agent: str | None = None,
        thread: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        q: str | None = None,
    ) -> RunQuerySet:
        """Those that meet every filter given. `since` (included) and `until` (not): of the last change;
        `q`: words of input, output or ids."""
        given = {
            "state": state,
            "agent_id": agent,
            "thread_id": thread,
            "updated_at__gte": since,
            "updated_at__lt": until,
            "run_id__in": None if q is None else runs_with(q),
        }
        return self.filter(**{name: value for name, value in given.items() if value is not None})

    def for_thread(self, thread_id: str) -> RunQuerySet:
        return self.filter(thread_id=thread_id).order_by("position")

    def blocking(self, run: Run) -> Run | None:
        """The earlier run of the same thread that has to end first."""
        return (
            self.active()
            .filter(thread_id=run.thread_id, position__lt=run.position)
            .order_by("position")
            .first()
        )

    def queued_due(self, now: datetime) -> RunQuerySet:
        """Runs that may be claimed now, in the order in which they should be."""
        due = Q(next_try_at__isnull=True) | Q(next_try_at__lte=now)
        return self.filter(due, state=RunState.QUEUED.value).order_by("-priority", "run_id")

    def claimable(self, now: datetime) -> list[str]:
        """Ids of due runs whose thread is free, in the order in which they should be claimed."""
        earlier = Run.objects.filter(
            thread=OuterRef("thread"), position__lt=OuterRef("position"), state__in=[s.value for s in ACTIVE]
        )
        due = self.queued_due(now).filter(~Exists(earlier))
        return list(due.values_list("run_id", flat=True)[:CLAIM_BATCH])

    def next_alarm(self, now: datetime) -> datetime | None:
        """When the next parked run falls due."""
        parked = self.filter(state=RunState.QUEUED.value, next_try_at__gt=now)
        found: datetime | None = parked.aggregate(first=Min("next_try_at"))["first"]
        return found

    def orphaned(self, now: float, lease_seconds: float) -> RunQuerySet:
        """Running without a live lease: run out, or set by a clock that was far ahead."""
        lost = Q(lease_until__lt=now) | Q(lease_until__gt=now + 3 * lease_seconds)
        return self.filter(lost, state=RunState.RUNNING.value)

    def counts_for_board(self, day_start: datetime) -> dict[str, int]:
        """`{state: runs}` of the active states, and `failed_today`."""
        rows = self.active().values_list("state").annotate(n=Count("pk"))
        counts = {state.value: 0 for state in ACTIVE} | dict(rows)
        counts["failed_today"] = self.filter(state=RunState.FAILED.value, updated_at__gte=day_start).count()
        return counts

    def oldest_waiting_since(self) -> datetime | None:
        waiting = self.filter(state__in=[s.value for s in WAITING])
        found: datetime | None = waiting.aggregate(oldest=Min("state_entered_at"))["oldest"]
        return found


class Run(models.Model):
    """One row of `runs`. Written by the journal alone."""

    run_id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="runs")
    agent_id = models.CharField(max_length=200)
    execution_mode = models.CharField(max_length=64)
    adapter_kind = models.CharField(max_length=64, null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=32, choices=[(s.value, s.value) for s in RunState])
    previous_state = models.CharField(max_length=32, null=True)
    state_entered_at = models.DateTimeField(default=timezone.now)
    last_transition_at = models.DateTimeField(default=timezone.now)
    resumable = models.BooleanField(default=False, help_text="In a waiting state.")
    checkpoint_ref = models.CharField(max_length=128, null=True)

    position = models.PositiveIntegerField(help_text="1, 2, 3 … in its thread: runs of a thread are serial.")
    title = models.CharField(max_length=200, default="", help_text="The first words of the input.")
    requested_by = models.CharField(max_length=200, default="")
    priority = models.SmallIntegerField(default=0)
    output = models.TextField(null=True)
    error = models.TextField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    turns = models.PositiveIntegerField(default=0, help_text="Model calls that gave a reply.")
    steps = models.PositiveIntegerField(default=0, help_text="Checkpoints written.")
    attempts = models.PositiveIntegerField(default=0, help_text="Claims in a row without progress.")
    model_attempts = models.PositiveIntegerField(default=0, help_text="Failed tries of the next model call.")
    next_try_at = models.DateTimeField(null=True)
    parent_run = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="children")
    retried_from = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="retries")
    forked_from = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="forks")

    lease_epoch = models.PositiveIntegerField(default=0, help_text="Fencing number of the last claim.")
    lease_owner = models.CharField(max_length=200, default="")
    lease_until = models.FloatField(default=0.0, help_text="Unix time; 0 when free.")
    last_sequence = models.PositiveIntegerField(default=0)
    last_hash = models.BinaryField(default=b"")

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "runs"
        constraints = [
            models.UniqueConstraint(fields=["thread", "position"], name="runs_thread_position"),
        ]
        indexes = [
            models.Index(fields=["thread", "-updated_at"], name="runs_thread_updated"),
            models.Index(fields=["state", "-updated_at", "-run_id"], name="runs_state_updated"),
            models.Index(fields=["agent_id", "-updated_at", "-run_id"], name="runs_agent_updated"),
            models.Index(fields=["-updated_at", "-run_id"], name="runs_updated"),
            models.Index(fields=["lease_owner", "state"], name="runs_owner_state"),
            models.Index(
                fields=["-priority", "run_id"], name="runs_queue", condition=Q(state=RunState.QUEUED.value)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} ({self.state})"

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL


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

    class Meta:
        db_table = "run_requests"
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "idempotency_key"], name="run_requests_idempotency"
            ),
        ]

    def __str__(self) -> str:
        return f"request of {self.run_id}"
