"""Artifacts: files that a run kept."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import models
from django.utils import timezone

from runtime.models.base import ID_LENGTH, new_id
from runtime.models.keyset import past
from runtime.models.run import Run
from runtime.models.thread import Thread, run_folder

NAME, SUFFIX = (
    150,
    20,
)  #: characters of a downloaded file's name, and of what is kept of it after the last dot


class ArtifactQuerySet(models.QuerySet["Artifact"]):
    """Reads of artifacts."""

    def of_run(self, run_id: str, after: tuple[datetime, str] | None = None) -> ArtifactQuerySet:
        """A run's artifacts, oldest first; with `after` (`created_at` and id of a row), what follows it."""
        return past(self.filter(run_id=run_id), "created_at", "artifact_id", after, newest_first=False)


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

    objects = ArtifactQuerySet.as_manager()

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

    @property
    def download_name(self) -> str:
        """The last part of the path, as the name of a downloaded file: an agent chose it."""
        name = self.path.rpartition("/")[2]
        kept = "".join(character if character.isprintable() else "_" for character in name)
        kept = kept.strip(". ")
        stem, suffix = os.path.splitext(kept)
        if len(kept) > NAME and len(suffix) <= SUFFIX:
            kept = stem[: NAME - len(suffix)] + suffix
        return kept[:NAME] or "artifact"

    def open(self) -> BinaryIO:
        """The file's content, for reading. Raises OSError when it is gone, no regular file, or not below the
        run's directory: no part of its path is followed as a symbolic link."""
        base, stored = Path(settings.DATA_DIR), self.stored
        if not stored.is_relative_to(base) or ".." in stored.parts:
            raise FileNotFoundError(f"{self.artifact_id} lies outside of its run's directory")
        *folders, name = stored.relative_to(base).parts
        folder = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in folders:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            # Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise FileNotFoundError(f"{self.artifact_id} is no regular file")
        return os.fdopen(file, "rb")
