"""What the health monitor found: the present report in one row, and samples of the past."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone

from runtime.models.base import VerbatimJSON

ONLY = 1  #: the key of the one row


class HealthReport(models.Model):
    """The one row of `health_report`. Workers take turns by its `turn`: who counts it up may sample.

    `report` is `{"status", "checks": [{name, status, critical, reason, value, unit, since}], "candidates"}`,
    `tallies` what is counted from sample to sample.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    turn = models.PositiveBigIntegerField(default=0)
    taken_at = models.DateTimeField(null=True, help_text="When the present turn began.")
    sampled_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True, help_text="When a sample was last kept.")
    report: Any = VerbatimJSON(default=dict)
    tallies: Any = VerbatimJSON(default=dict)

    class Meta:
        db_table = "health_report"

    def __str__(self) -> str:
        return f"health report of {self.sampled_at}"


class HealthSampleQuerySet(models.QuerySet["HealthSample"]):
    """Reads of samples."""

    def for_history(self, since: datetime) -> list[tuple[datetime, str, dict[str, str]]]:
        """`(sampled_at, status, troubles)` of all samples since then, oldest first."""
        rows = self.filter(sampled_at__gte=since).order_by("sampled_at", "id")
        return list(rows.values_list("sampled_at", "status", "troubles"))


class HealthSample(models.Model):
    """One row of `health_samples`: how it was at a moment. `troubles`: check → status, those not healthy."""

    id = models.BigAutoField(primary_key=True)
    sampled_at = models.DateTimeField(default=timezone.now, db_index=True)
    status = models.CharField(max_length=16)
    troubles: Any = VerbatimJSON(default=dict)

    objects = HealthSampleQuerySet.as_manager()

    class Meta:
        db_table = "health_samples"

    def __str__(self) -> str:
        return f"{self.status} at {self.sampled_at}"
