"""Reveals: what looks secret in a call's arguments is masked on pages; who had it shown stands here."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from runtime.models.base import ID_LENGTH


class Reveal(models.Model):
    """One row of `reveals`: append-only, and without foreign keys, so that it outlives its thread."""

    id = models.BigAutoField(primary_key=True)
    tool_call_id = models.CharField(max_length=ID_LENGTH, db_index=True)
    approval_id = models.CharField(
        max_length=ID_LENGTH, default="", db_index=True, help_text="Empty: on the page of the call."
    )
    run_id = models.CharField(max_length=ID_LENGTH, db_index=True)
    thread_id = models.CharField(max_length=ID_LENGTH)
    tool_name = models.CharField(max_length=200)
    revealed_by = models.CharField(max_length=200)
    source = models.CharField(max_length=16, help_text="page, api, command or system")
    address = models.CharField(max_length=64, default="")
    revealed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "reveals"
        indexes = [
            models.Index(fields=["-revealed_at"], name="reveals_revealed"),
            models.Index(fields=["revealed_by"], name="reveals_revealed_by"),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} by {self.revealed_by}"
