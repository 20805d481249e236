"""Denials: acts that were asked for and refused, because of who asked."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Denial(models.Model):
    """One row of `denials`; append-only. A flood is not kept whole: `left_out` counts what is missing."""

    id = models.BigAutoField(primary_key=True)
    denied_at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(
        max_length=16,
        help_text="person, service, or empty: nobody knows who; then the name is what was tried.",
    )
    name = models.CharField(max_length=200, default="")
    address = models.CharField(max_length=64, default="")
    method = models.CharField(max_length=16)
    path = models.CharField(max_length=300)
    status = models.PositiveSmallIntegerField(help_text="Of the answer.")
    reason = models.CharField(max_length=200)
    left_out = models.PositiveIntegerField(
        default=0, help_text="Denials before this one that were too many to be kept."
    )

    class Meta:
        db_table = "denials"
        indexes = [
            models.Index(fields=["-denied_at"], name="denials_denied"),
            models.Index(fields=["name"], name="denials_name"),
            models.Index(fields=["address"], name="denials_address"),
        ]

    def __str__(self) -> str:
        return f"{self.method} by {self.name or 'nobody known'} ({self.status})"
