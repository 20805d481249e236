"""`pysqlite3` stands in for `sqlite3`, everywhere."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest
from django.db import connections

from harness_site import databases, sqlite


def test_it_is_what_django_and_huey_use() -> None:
    import huey.storage

    assert sys.modules["sqlite3"].__name__ == "pysqlite3"
    assert sqlite3.sqlite_version_info >= (3, 51, 3)
    database = connections["default"]
    assert database.Database.__name__ == "pysqlite3.dbapi2"  # type: ignore[attr-defined]
    assert huey.storage.sqlite3.__name__ == "pysqlite3"


def test_a_new_connection_waits_for_no_writer(tmp_path: Path) -> None:
    options = databases.one_file(tmp_path)["OPTIONS"]
    file = tmp_path / "runtime.sqlite"

    def connect() -> sqlite3.Connection:
        made: sqlite3.Connection = sqlite3.connect(
            file, timeout=0, isolation_level=None, factory=options["factory"]
        )
        for command in options["init_command"].split(";"):
            made.execute(command)
        return made

    writer = connect()
    writer.execute("CREATE TABLE t (x)")
    writer.execute("BEGIN IMMEDIATE")
    reader = connect()
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert reader.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    for each in (writer, reader):
        each.close()


def test_its_connections_know_the_limits_that_django_6_asks_for() -> None:
    connection = sqlite3.connect(":memory:", factory=sqlite.Connection)
    many = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    marks = ",".join("?" * many)
    assert connection.execute(f"SELECT 1 WHERE 5 IN ({marks})", range(many)).fetchone() == (1,)
    with pytest.raises(sqlite3.OperationalError, match="too many SQL variables"):
        connection.execute(f"SELECT 1 WHERE 5 IN ({marks}, ?)", range(many + 1))
    assert connection.getlimit(sqlite3.SQLITE_LIMIT_COLUMN) == 2_000
    connection.close()
