"""A thread: messages and runs that share one transcript and one folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Count, F, Sum, TextField
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from runtime.lifecycle import RunState
from runtime.models.base import ID_LENGTH, OctetLength, new_id
from runtime.models.hold import Hold
from runtime.models.keyset import past
from runtime.models.protection import Place, of_thread
from runtime.models.search import runs_with


class ThreadQuerySet(models.QuerySet["Thread"]):
    """Reads of threads, named after the page that needs them."""

    def for_list(self, after: tuple[datetime, str] | None = None) -> ThreadQuerySet:
        """Newest change first; with `after` (`updated_at` and id of a row), what follows that row."""
        return past(self, "updated_at", "thread_id", after, newest_first=True)

    def with_words(self, text: str) -> ThreadQuerySet:
        """Those of which a run has these words in input, output or ids."""
        runs = apps.get_model("runtime", "Run").objects.filter(run_id__in=runs_with(text))
        return self.filter(thread_id__in=runs.order_by().values("thread_id"))

    def for_record_maintenance(self, changed_before: datetime, too_many: Place | None) -> ThreadQuerySet:
        """With `kept`: why maintenance leaves the thread; empty when it removes it."""
        return self.annotate(kept=of_thread(changed_before, too_many))

    def belongings(self) -> dict[str, int]:
        """What goes with these threads: `{"threads", "runs", "messages", "events", "artifacts", "bytes"}`.
        The bytes are those of the texts of messages and events, and of the artifacts."""
        threads = self.order_by().values("pk")

        def of(name: str, size: Any) -> dict[str, Any]:
            rows = apps.get_model("runtime", name).objects.filter(thread__in=threads)
            found: dict[str, Any] = rows.aggregate(rows=Count("pk"), bytes=Coalesce(Sum(size), 0))
            return found

        messages = of("ThreadMessage", OctetLength(Cast("content_json", TextField())))
        events = of("Event", OctetLength("event_json"))
        artifacts = of("Artifact", F("size"))
        return {
            "threads": self.count(),
            "runs": apps.get_model("runtime", "Run").objects.filter(thread__in=threads).count(),
            "messages": messages["rows"],
            "events": events["rows"],
            "artifacts": artifacts["rows"],
            "bytes": messages["bytes"] + events["bytes"] + artifacts["bytes"],
        }

    def beyond(self, newest: int) -> Place | None:
        """The first thread after so many newest; None: there are no more."""
        rows = self.for_list().values_list("updated_at", "thread_id")
        return rows[newest : newest + 1].first()


class Thread(models.Model):
    """One row of `threads`; `status` is its latest run's state."""

    thread_id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id)
    workspace_id = models.CharField(max_length=200, default="default")
    entry_agent_id = models.CharField(max_length=200)
    status = models.CharField(max_length=32, choices=[(s.value, s.value) for s in RunState])
    latest_run_id = models.CharField(max_length=ID_LENGTH)
    title = models.CharField(max_length=200, default="", help_text="The first words of the first input.")
    run_count = models.PositiveIntegerField(default=0, help_text="Gives the next run its position.")
    hold = models.ForeignKey(
        Hold, null=True, on_delete=models.PROTECT, related_name="+", help_text="While it is held."
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ThreadQuerySet.as_manager()

    class Meta:
        db_table = "threads"
        indexes = [models.Index(fields=["-updated_at", "-thread_id"], name="threads_updated")]

    def __str__(self) -> str:
        return self.title or self.thread_id

    @property
    def folder(self) -> Path:
        """Where the thread's files and run directories lie."""
        return thread_folder(self.thread_id)


def thread_folder(thread_id: str) -> Path:
    """`<data>/threads/<thread_id>`; the files agents see are in `files` below it."""
    return Path(settings.DATA_DIR) / "threads" / _name(thread_id)


def has_folder(thread_id: str) -> bool:
    """Whether the thread has a folder; an id that cannot name one has none."""
    try:
        return thread_folder(thread_id).exists()
    except OSError:  # longer than a name may be, in a database that was brought along
        return False


def run_folder(thread_id: str, run_id: str) -> Path:
    """`<data>/threads/<thread_id>/runs/<run_id>`: what a run keeps, such as artifacts."""
    return thread_folder(thread_id) / "runs" / _name(run_id)


def _name(record_id: str) -> str:
    # Ids are made by the server, but a database may have been brought along: an id is never a way out.
    if "/" in record_id or "\0" in record_id or record_id in ("", ".", ".."):
        raise ValueError(f"{record_id!r} cannot name a folder.")
    return record_id
