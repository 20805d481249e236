"""Tombstones: what a deleted thread was, in counts."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from runtime.models.base import ID_LENGTH, VerbatimJSON


class Tombstone(models.Model):
    """One row of `tombstones` per deleted thread. While `files_left`, its folder still has to go."""

    thread_id = models.CharField(primary_key=True, max_length=ID_LENGTH)
    deleted_by = models.CharField(max_length=200)
    source = models.CharField(max_length=16)
    address = models.CharField(max_length=64, default="")
    deleted_at = models.DateTimeField(default=timezone.now)
    counts: Any = VerbatimJSON(help_text="Rows removed, by table.")
    files_left = models.BooleanField(default=True)

    class Meta:
        db_table = "tombstones"
        indexes = [
            models.Index(fields=["files_left"], name="tombstones_left", condition=models.Q(files_left=True)),
            models.Index(fields=["deleted_at"], name="tombstones_deleted"),
        ]

    def __str__(self) -> str:
        return f"thread {self.thread_id}"
