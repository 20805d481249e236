"""The probe write: it finds out and leaves nothing behind."""

from __future__ import annotations

import sqlite3
import time

import pytest
from django.db import OperationalError, connection

from runtime.journal.probe import try_write
from runtime.journal.schema import check_schema


def data_version(watcher: sqlite3.Connection) -> int:
    return int(watcher.execute("PRAGMA data_version").fetchone()[0])


def test_it_leaves_nothing_behind(transactional_db: None) -> None:
    check_schema("test")
    watcher = sqlite3.connect(connection.settings_dict["NAME"])
    before = data_version(watcher)
    try_write(1.0)
    assert data_version(watcher) == before
    watcher.close()


def test_it_gives_up_soon_while_another_writer_holds_the_lock(transactional_db: None) -> None:
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(OperationalError, match="locked"):
        try_write(0.05)
    usual = connection.settings_dict["OPTIONS"]["timeout"]  # what an ordinary writer waits
    assert time.monotonic() - started < usual / 2
    other.execute("ROLLBACK")
    other.close()
    try_write(1.0)
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == 10_000
