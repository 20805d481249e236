"""Fills the database of the settings."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from runtime.benchmarks.filling import copies, search
from runtime.benchmarks.filling.originals import ACTIVE, ENDED
from runtime.benchmarks.report import BenchmarkError
from runtime.journal.counters import recount
from runtime.models import Event, Run, ThreadMessage

BATCH = 5_000
BYTES = 12_000  #: of a run with all that belongs to it, the database's log included
SEED = 7
DAY = 86_400


def check_room(runs: int) -> None:
    """Raises BenchmarkError when the disk has not room enough for so many."""
    needed, free = runs * BYTES, shutil.disk_usage(settings.DATA_DIR).free
    if needed > free:
        raise BenchmarkError(
            f"{runs:,} runs need {needed / 1e9:,.1f} GB of disk; {free / 1e9:,.1f} GB are free."
        )


@dataclass(frozen=True)
class Filled:
    """What is there now."""

    runs: int
    events: int
    seconds: float


def fill(runs: int, active: Mapping[str, int] | None = None, *, older_days: int = 0) -> Filled:
    """So many more runs, each of a thread of its own, one every two seconds up to now, or to some days ago;
    `active`: how many of them, by kind, have not ended (see `originals.ACTIVE`)."""
    began = time.monotonic()
    makers = {
        **{name: ACTIVE[name] for name in active or {}},
        **{name: make for name, (make, _) in ENDED.items()},
    }
    statements = {name: copies.Original(make()).statements() for name, make in makers.items()}
    kinds = _mixed(runs, active or {})
    last = runs + 1 + older_days * DAY // copies.GAP_SECONDS
    with _quickly():
        copies.begin()
        for first in range(1, runs + 1, BATCH):
            with transaction.atomic():
                copies.copy(statements, kinds, range(first, min(first + BATCH, runs + 1)), last)
        search.catch_up()
        recount()
    _settle()
    return Filled(Run.objects.count(), Event.objects.count(), time.monotonic() - began)


def _mixed(runs: int, active: Mapping[str, int]) -> list[str]:
    """The kind of each copy: the same mixture every time, active ones anywhere among the others."""
    kinds = [name for name, count in active.items() for _ in range(count)]
    shares = {name: share for name, (_, share) in ENDED.items()}
    pick = random.Random(SEED)  # noqa: S311 - no secret
    kinds += pick.choices(list(shares), list(shares.values()), k=max(0, runs - len(kinds)))
    pick.shuffle(kinds)
    return kinds[:runs]


@contextmanager
def _quickly() -> Iterator[None]:
    """Without the triggers, which look at each row, and without waiting for the disk."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Only a superuser may leave out the foreign keys, which a server checks by triggers, too.
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            which = "ALL" if cursor.fetchone() == (True,) else "USER"
            tables = [model._meta.db_table for model in copies.TABLES]
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {which}")
            cursor.execute("SET synchronous_commit = off")
            yield
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {which}")
            cursor.execute("SET synchronous_commit = on")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("PRAGMA cache_size=-400000")
        yield
        for _, statement in triggers:
            cursor.execute(statement)
    connection.close()  # the settings go with it


def _settle() -> None:
    """What time does by itself: the log is copied into the file; PostgreSQL cleans up and counts."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            top = ThreadMessage.objects.order_by("-id").values_list("id", flat=True)[0]
            cursor.execute("SELECT setval(pg_get_serial_sequence('thread_messages', 'id'), %s)", [top])
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def size() -> int:
    """Bytes of the whole database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])
