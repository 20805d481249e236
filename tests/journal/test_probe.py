"""The probe write: it finds out and leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from runtime.journal.probe import try_write
from runtime.journal.schema import check_schema

WRITE = "UPDATE runtime_metadata SET value = value"
#: What changes with every write of another connection.
VERSION = {
    "sqlite": "PRAGMA data_version",
    "postgresql": "SELECT xmin FROM runtime_metadata WHERE key = 'schema_version'",
}


@pytest.fixture
def other(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """A second connection."""
    check_schema("test")
    copy = connection.copy()
    yield copy
    copy.close()


def ask(database: BaseDatabaseWrapper, question: str) -> str:
    with database.cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


def test_it_leaves_nothing_behind(other: BaseDatabaseWrapper) -> None:
    before = ask(other, VERSION[connection.vendor])
    try_write(1.0)
    assert ask(other, VERSION[connection.vendor]) == before


def test_it_gives_up_soon_while_another_writer_holds_the_lock(other: BaseDatabaseWrapper) -> None:
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(WRITE)
        started = time.monotonic()
        with pytest.raises(OperationalError, match=r"locked|statement timeout"):
            try_write(0.05)
        assert time.monotonic() - started < 5  # half of what an ordinary writer waits
        cursor.execute("ROLLBACK")
    try_write(1.0)
    if connection.vendor == "sqlite":
        assert ask(connection, "PRAGMA busy_timeout") == "10000"
    else:
        assert ask(connection, "SHOW statement_timeout") == "0"
