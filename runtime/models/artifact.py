"""Artifacts: files that a run kept."""

from __future__ import annotations

from pathlib import Path

from django.db import models
from django.utils import timezone

from runtime.models.base import ID_LENGTH, new_id
from runtime.models.run import Run
from runtime.models.thread import Thread, run_folder


class Artifact(models.Model):
    """One row of `artifacts`; the bytes lie below the run's directory."""

    artifact_id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, db_index=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=32)
    path = models.CharField(max_length=1000)
    stored_name = models.CharField(max_length=255, help_text="Made by the server, below the run's directory.")
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "artifacts"
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="artifacts_run_path")]
        indexes = [models.Index(fields=["thread", "run", "created_at"], name="artifacts_thread_run")]

    def __str__(self) -> str:
        return self.path

    @property
    def stored(self) -> Path:
        """The file."""
        return run_folder(self.thread_id, self.run_id) / "artifacts" / self.stored_name
