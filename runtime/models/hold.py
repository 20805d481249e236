"""Legal holds: nobody removes anything of a thread that is held, neither a person nor time."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from runtime.models.base import ID_LENGTH


class Hold(models.Model):
    """One row of `holds`, from its setting to its lifting; kept as the audit, so without a foreign key.

    A thread under one points to it.
    """

    id = models.BigAutoField(primary_key=True)
    thread_id = models.CharField(max_length=ID_LENGTH, db_index=True)
    reason = models.TextField()
    held_by = models.CharField(max_length=200)
    held_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=16)
    address = models.CharField(max_length=64, default="")
    lifted_by = models.CharField(max_length=200, default="")
    lifted_at = models.DateTimeField(null=True)
    lifted_source = models.CharField(max_length=16, default="")
    lifted_address = models.CharField(max_length=64, default="")

    class Meta:
        db_table = "holds"

    def __str__(self) -> str:
        return f"{self.held_by} holds it since {self.held_at:%Y-%m-%d %H:%M} UTC: {self.reason}"
