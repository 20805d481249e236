"""Workers: the processes that advance runs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

ALIVE = timedelta(seconds=60)


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Reads of workers."""

    def alive(self, now: datetime) -> WorkerQuerySet:
        return self.filter(stopped_at__isnull=True, heartbeat_at__gte=now - ALIVE)


class Worker(models.Model):
    """One consumer process, from its start to its end."""

    worker_id = models.CharField(primary_key=True, max_length=200)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=64)
    slots = models.PositiveIntegerField(help_text="Runs it carries at once.")
    started_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        db_table = "workers"

    def __str__(self) -> str:
        return self.worker_id
