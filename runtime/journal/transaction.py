"""One durable transaction, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction


@contextmanager
def unit(*, durable: bool = True) -> Iterator[None]:
    """A write transaction. With `durable=False` on SQLite the commit is not synced to disk at once:
    only for streamed text, which the next durable commit carries along."""
    relaxed = not durable and connection.vendor == "sqlite" and not connection.in_atomic_block
    if relaxed:
        _synchronous("NORMAL")  # before BEGIN: the pragma cannot change inside a transaction
    try:
        with transaction.atomic():
            yield
    finally:
        if relaxed:
            _synchronous("FULL")


@contextmanager
def snapshot() -> Iterator[None]:
    """All reads of the block see the records as they were at its first one; it locks nobody out."""
    if connection.in_atomic_block:
        yield
        return
    begin = "BEGIN DEFERRED" if connection.vendor == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ"
    with connection.cursor() as cursor:
        cursor.execute(begin)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def _synchronous(level: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous={level}")


def db_time(moment: datetime) -> Any:
    """A time as a parameter of hand-written SQL."""
    return connection.ops.adapt_datetimefield_value(moment)


def for_update() -> str:
    """The clause that locks a row that is read; SQLite's BEGIN IMMEDIATE has locked already."""
    return "" if connection.vendor == "sqlite" else " FOR UPDATE"
