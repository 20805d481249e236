"""One durable transaction, on SQLite and PostgreSQL.

SQLite has one writer at a time: nothing that a transaction has read can change before it commits. PostgreSQL
(READ COMMITTED) has many, so whoever decides by what is read locks the row first. The order of locks is run,
then thread, everywhere: an entry locks its run and touches the thread at its end. Runs and threads are locked
with `no_key=True`, which does not hold up rows that merely point to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction


@contextmanager
def unit(*, durable: bool = True, shared: bool = False) -> Iterator[None]:
    """A write transaction. With `durable=False` the commit is not synced to disk at once: only for streamed
    text, which the next durable commit carries along. With `shared`, threads of a process that write at the
    same time may commit together, where that pays (SQLite): for short ones."""
    own: Any = connection
    relaxed = not durable and not connection.in_atomic_block
    if shared and connection.vendor == "sqlite" and not connection.in_atomic_block:
        with own.sharing(durable=durable), transaction.atomic():
            yield
    elif not relaxed:
        with transaction.atomic():
            yield
    elif connection.vendor == "sqlite":
        _run("PRAGMA synchronous=NORMAL")  # before BEGIN: the pragma cannot change inside a transaction
        try:
            with transaction.atomic():
                yield
        finally:
            _run("PRAGMA synchronous=FULL")
    else:
        with transaction.atomic():
            _run("SET LOCAL synchronous_commit TO off")
            yield


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


def _run(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def one_at_a_time(what: str) -> None:
    """Until the transaction ends, nobody else passes this call with the same words. For decisions that no
    single row stands for."""
    if connection.vendor == "postgresql":
        _run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", what)


def tell(channel: str, message: str) -> None:
    """Tells whoever listens, when the transaction is committed. SQLite's readers see the commit by itself."""
    if connection.vendor == "postgresql":
        _run("SELECT pg_notify(%s, %s)", channel, message)


def release() -> None:
    """Gives a connection of the pool back while something slow goes on outside; the next query takes one."""
    pooled = connection.settings_dict["OPTIONS"].get("pool")
    if pooled and not connection.in_atomic_block:
        connection.close()
