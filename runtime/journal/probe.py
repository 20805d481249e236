"""Whether and how well records can be written now, and what keeps them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from runtime.journal.transaction import unit
from runtime.models.patience import waiting_at_most

FIXED_IN = (3, 51, 3)  # SQLite's fix of the WAL-reset defect; 3.44.6 and 3.50.7 carry it, too
BACKPORTS = {(3, 44): 6, (3, 50): 7}


def try_write(patience_seconds: float) -> float:
    """Takes the write lock, writes, and leaves nothing behind; gives how many seconds that took.

    Raises django.db.DatabaseError when that cannot be done, also when another writer keeps the lock for
    longer than `patience_seconds`.
    """
    began = time.monotonic()
    with waiting_at_most(patience_seconds), transaction.atomic(), connection.cursor() as cursor:
        _hurry(patience_seconds)
        cursor.execute("UPDATE runtime_metadata SET value = value WHERE key = 'schema_version'")
        transaction.set_rollback(True)
    return time.monotonic() - began


@contextmanager
def hurried(patience_seconds: float) -> Iterator[None]:
    """A write transaction that would rather fail than wait for longer, and is not synced: for records of
    which the next ones make up."""
    with waiting_at_most(patience_seconds), unit(durable=False):
        _hurry(patience_seconds)
        yield


def _hurry(seconds: float) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")


def store_name() -> str:
    """What keeps the records, with its version."""
    backend: Any = connection
    if connection.vendor == "sqlite":
        return f"SQLite {'.'.join(map(str, backend.Database.sqlite_version_info))}"
    backend.ensure_connection()
    return f"PostgreSQL {backend.pg_version // 10_000}.{backend.pg_version % 10_000}"


def has_wal_defect(version: tuple[int, int, int]) -> bool:
    """Whether several writers can corrupt a WAL database of this SQLite."""
    if version >= FIXED_IN:
        return False
    patch = BACKPORTS.get(version[:2])
    return patch is None or version[2] < patch


def store_is_defective() -> bool:
    """Whether the SQLite in use has that defect."""
    backend: Any = connection
    return connection.vendor == "sqlite" and has_wal_defect(backend.Database.sqlite_version_info)


def store_bytes() -> dict[str, int]:
    """How much room the records take: `{"database"}`, on SQLite `{"database", "wal"}`."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return {"database": int(cursor.fetchone()[0])}
    file = Path(str(connection.settings_dict["NAME"]))
    return {"database": _size(file), "wal": _size(file.with_name(f"{file.name}-wal"))}


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def clock_offset() -> float:
    """By how many seconds this process's clock is ahead of the database's. SQLite has no other clock."""
    if connection.vendor != "postgresql":
        return 0.0
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        theirs = float(cursor.fetchone()[0])
    return (before + time.time()) / 2 - theirs
