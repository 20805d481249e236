"""Workers: the processes that advance runs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Max
from django.utils import timezone

ALIVE = timedelta(seconds=60)
SHOWN_FOR = timedelta(hours=1)
SHOWN, SHOWN_GONE = 100, 5
WORKS = "works"  #: said of a sandbox that has passed its test


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Reads of workers."""

    def alive(self, now: datetime) -> WorkerQuerySet:
        return self.filter(stopped_at__isnull=True, heartbeat_at__gte=now - ALIVE)

    def for_health(self, now: datetime) -> list[Worker]:
        """Those that are there, newest first, and some of those that were there within the last hour."""
        there = self.filter(stopped_at__isnull=True, heartbeat_at__gte=now - SHOWN_FOR)
        gone = self.filter(stopped_at__gte=now - SHOWN_FOR)
        return [*there.order_by("-heartbeat_at")[:SHOWN], *gone.order_by("-stopped_at")[:SHOWN_GONE]]

    def last_heard_of(self) -> datetime | None:
        """The newest heartbeat of all workers; None when there never was one."""
        found: datetime | None = self.aggregate(newest=Max("heartbeat_at"))["newest"]
        return found


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
    clock_offset = models.FloatField(default=0.0, help_text="Seconds its clock is ahead of the database's.")
    sandbox = models.TextField(default="", help_text="`works`, or why no command runs; empty: not tested.")
    queue = models.TextField(default="", help_text="Why the queue failed it a short while ago, if it did.")

    objects = WorkerQuerySet.as_manager()

    class Meta:
        db_table = "workers"

    def __str__(self) -> str:
        return self.worker_id

    @property
    def was_lost(self) -> bool:
        """Whether it ended without a word: one that ends in order is heard of at its end."""
        return self.stopped_at is not None and self.stopped_at > self.heartbeat_at
