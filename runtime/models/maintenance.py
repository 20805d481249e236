"""Maintenance passes: what was removed, why the rest stayed, and whose turn it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from runtime.models.base import VerbatimJSON

KINDS = ("checkpoints", "records")


class MaintenanceTurn(models.Model):
    """One row of `maintenance_turns` per kind: taken by a conditional update, so that of many workers one
    makes the pass. A turn whose lease is over may be taken by another."""

    kind = models.CharField(primary_key=True, max_length=16)
    next_at = models.DateTimeField()
    wanted_by = models.CharField(max_length=200, default="", help_text="Who asked for it before its time.")
    taken_by = models.CharField(max_length=200, default="")
    lease_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "maintenance_turns"

    def __str__(self) -> str:
        return self.kind

    def is_taken(self, now: datetime) -> bool:
        """Whether a pass is under way."""
        return self.lease_until is not None and self.lease_until > now


class PassQuerySet(models.QuerySet["MaintenancePass"]):
    """Reads of passes."""

    def newest(self, kind: str | None = None) -> PassQuerySet:
        """The newest first; with `kind`, of one kind."""
        rows = self.order_by("-id")
        return rows if kind is None else rows.filter(kind=kind)

    def last_real(self, kind: str) -> MaintenancePass | None:
        """The last pass that was to remove something: a dry run only counts."""
        return self.filter(dry_run=False).newest(kind).first()

    def last_success(self, kind: str) -> MaintenancePass | None:
        """The last pass that did all there was to do."""
        done = self.filter(finished_at__isnull=False, error="", dry_run=False)
        return done.newest(kind).first()

    def done_until(self, kind: str) -> datetime | None:
        """When everything was done last; while it never was, when it was first tried; None before that."""
        last = self.last_success(kind)
        if last is not None:
            return last.finished_at
        tried = self.filter(kind=kind, dry_run=False).order_by("id")
        return tried.values_list("started_at", flat=True).first()


class MaintenancePass(models.Model):
    """One row of `maintenance_passes`. `error` is empty when it did everything."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in KINDS])
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, help_text="Empty while it is under way.")
    dry_run = models.BooleanField(default=False)
    requested_by = models.CharField(max_length=200, default="", help_text="Empty: its time had come.")
    made_by = models.CharField(max_length=200, default="", help_text="The process.")
    done_json: Any = VerbatimJSON(default=dict, help_text="What was removed, in rows and bytes.")
    kept_json: Any = VerbatimJSON(default=dict, help_text="What stayed, by reason.")
    error = models.TextField(default="", help_text="Why it did not do everything.")

    objects = PassQuerySet.as_manager()

    class Meta:
        db_table = "maintenance_passes"
        verbose_name_plural = "maintenance passes"
        indexes = [
            models.Index(fields=["kind", "-id"], name="passes_kind"),
            models.Index(fields=["kind"], name="passes_unfinished", condition=Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.started_at:%Y-%m-%d %H:%M}"
