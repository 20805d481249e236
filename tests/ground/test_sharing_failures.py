"""Writers that share a commit when something goes wrong: all are told, and the next ones write."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import IntegrityError, OperationalError

from harness_site.sqlite3 import base
from tests.ground.sharing import Row, Writer, numbers

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_commit_that_fails_fails_for_all_and_the_next_one_works(row: Row) -> None:
    pointing = row.behind(Writer(row.file).write, "INSERT INTO pointers VALUES (99)")
    row.go()
    for each in (row.first, pointing):
        with pytest.raises(OperationalError, match="FOREIGN KEY"):
            each.result()
    assert numbers(row.file) == []
    Writer(row.file).insert(7)
    assert numbers(row.file) == [7]


def test_a_complaint_about_what_did_not_come_to_be_is_not_passed_on(row: Row) -> None:
    """The second sees the row of the first, whose commit then fails: it is told to try again."""
    second = row.behind(Writer(row.file).insert, 0)
    pointing = row.behind(Writer(row.file).write, "INSERT INTO pointers VALUES (99)")
    row.go()
    for each in (row.first, second, pointing):
        with pytest.raises(OperationalError):
            each.result()
    assert numbers(row.file) == []


def test_a_full_disk_leaves_nobody_in_the_dark(row: Row) -> None:
    writer = Writer(row.file)
    much = (
        "WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up LIMIT 100000) "
        "INSERT INTO numbers SELECT n FROM up"
    )
    full = row.behind(writer.write, "PRAGMA max_page_count=1", much)
    row.go()
    with pytest.raises(OperationalError, match="full"):
        full.result()
    with suppress(OperationalError):
        row.first.result()
    told = row.first.exception() is None
    assert numbers(row.file) == ([0] if told else [])


def broken_by(n: int) -> str:
    """A trigger that ends the whole transaction, as a disk that is really full does."""
    return (
        "CREATE TRIGGER full BEFORE INSERT ON numbers "
        f"WHEN NEW.n = {n} BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END"
    )


@pytest.mark.parametrize("swallowed", [False, True])
def test_a_transaction_that_ends_by_itself_is_told_to_all(row: Row, swallowed: bool) -> None:
    writer = Writer(row.file)

    def write() -> None:
        writer.run(broken_by(5))
        with suppress(*[Exception] if swallowed else []):
            writer.run("INSERT INTO numbers VALUES (5)")

    breaking = row.behind(writer.write, then=write)
    following = row.behind(Writer(row.file).insert, 6)
    row.go()
    with pytest.raises(OperationalError, match="ended" if swallowed else "full"):
        row.first.result()
    with pytest.raises(Exception, match="ended" if swallowed else "full"):
        breaking.result()
    following.result()  # one of its own
    assert numbers(row.file) == [6]


def test_one_alone_is_told_what_was_wrong_with_its_commit(file: Path) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        Writer(file).write("INSERT INTO pointers VALUES (99)")
    Writer(file).insert(1)
    assert numbers(file) == [1]


@pytest.mark.parametrize("kept", [True, False])
def test_an_interruption_leaves_no_lock_behind(
    file: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Ctrl-C in the middle of a commit, or of taking back."""
    line, writer = base._line(str(file / "runtime.sqlite")), Writer(file)

    class Interrupted:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self.connection, self.in_transaction = connection, True

        def execute(self, statement: str) -> None:
            raise KeyboardInterrupt

        def close(self) -> None:
            self.connection.close()

    def interrupt() -> None:
        line._connection = Interrupted(line._connection)
        if not kept:
            raise RuntimeError

    with pytest.raises(KeyboardInterrupt):
        writer.insert(1, then=interrupt)
    Writer(file).insert(2)
    assert numbers(file) == [2]


def test_who_closes_a_connection_renews_the_shared_one(file: Path) -> None:
    """It is what one does who cannot trust the present one, as when the file was replaced."""
    writer = Writer(file)
    writer.insert(1)
    shared = base._line(str(file / "runtime.sqlite"))._connection
    writer.connection.close()
    writer.insert(2)
    assert base._line(str(file / "runtime.sqlite"))._connection is not shared
    assert numbers(file) == [1, 2]


def test_who_loses_patience_in_line_leaves_nobody_waiting(row: Row) -> None:
    row.line._sharers += 1  # it will not take its turn any more
    row.go()
    row.first.result(timeout=10)
    assert numbers(row.file) == [0]
    row.line._sharers -= 1
