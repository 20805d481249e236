"""Whether records can be written now: a write that is taken back at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


def try_write(patience_seconds: float) -> None:
    """Takes the write lock, writes, and leaves nothing behind.

    Raises django.db.DatabaseError when that cannot be done, also when another writer keeps the lock for
    longer than `patience_seconds`.
    """
    with _waiting_at_most(patience_seconds), transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SET LOCAL statement_timeout = {int(patience_seconds * 1000)}")
        cursor.execute("UPDATE runtime_metadata SET value = value WHERE key = 'schema_version'")
        transaction.set_rollback(True)


@contextmanager
def _waiting_at_most(seconds: float) -> Iterator[None]:
    """A probe that hangs says less than one that fails."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = connection.settings_dict["OPTIONS"].get("timeout", 5)
    _busy_timeout(seconds)
    try:
        yield
    finally:
        _busy_timeout(usual)


def _busy_timeout(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
