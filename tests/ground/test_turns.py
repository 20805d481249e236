"""Writers of one file take turns, and nobody keeps the turn."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import OperationalError, connections, transaction
from django.db.utils import ConnectionHandler

from harness_site.databases import one_file
from harness_site.sqlite3.base import DatabaseWrapper
from runtime.models.patience import waiting_at_most
from runtime.models.rows import select

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path


def connected(file: Path, patience: float) -> DatabaseWrapper:
    settings = one_file(file)
    settings["OPTIONS"]["timeout"] = patience
    found = ConnectionHandler({"default": settings})["default"]
    assert isinstance(found, DatabaseWrapper)
    found.inc_thread_sharing()
    return found


@pytest.fixture
def first(file: Path) -> Iterator[DatabaseWrapper]:
    made = connected(file, 10)
    with made.cursor() as cursor:
        cursor.execute("CREATE TABLE numbers (n)")
    yield made
    made.close()


@pytest.fixture
def second(file: Path, first: DatabaseWrapper) -> Iterator[DatabaseWrapper]:
    made = connected(file, 0.05)
    yield made
    made.close()


def begin(connection: DatabaseWrapper) -> None:
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def write(connection: DatabaseWrapper) -> None:
    """One write transaction."""
    begin(connection)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO numbers SELECT count(*) FROM numbers")
    connection.commit()
    connection.set_autocommit(True)


def count(connection: DatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT n) FROM numbers")
        rows, different = cursor.fetchone()
    assert rows == different
    return int(rows)


def test_a_second_writer_gives_up_when_its_patience_is_over(
    first: DatabaseWrapper, second: DatabaseWrapper
) -> None:
    begin(first)
    with pytest.raises(OperationalError, match="locked"):
        begin(second)
    first.rollback()
    first.set_autocommit(True)
    write(second)
    assert count(first) == 1


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_the_turn_ends_with_the_transaction(
    first: DatabaseWrapper, second: DatabaseWrapper, end: str
) -> None:
    begin(first)
    getattr(first, end)()
    write(second)
    assert count(second) == 1


def test_a_writer_elsewhere_is_waited_for(file: Path, first: DatabaseWrapper) -> None:
    """Another process does not stand in our line; here it is a connection that knows nothing of it."""
    other = sqlite3.connect(file / "runtime.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    timer.start()
    write(first)
    assert count(first) == 1
    timer.join()
    other.close()


def test_a_writer_elsewhere_that_stays_is_an_error_and_not_the_end(
    file: Path, second: DatabaseWrapper
) -> None:
    other = sqlite3.connect(file / "runtime.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        begin(second)
    other.execute("COMMIT")
    other.close()
    write(second)
    assert count(second) == 1


def test_single_statements_keep_their_patience(second: DatabaseWrapper) -> None:
    write(second)
    with second.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (50,)


def test_no_patience_is_lost_when_the_file_cannot_be_opened(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection stays with its thread: all later writes of it would give up at once."""
    default = connections["default"]
    if not isinstance(default, DatabaseWrapper):
        return
    usual = default.patience
    default.close()
    with monkeypatch.context() as changed:
        changed.setitem(default.settings_dict, "NAME", file)  # a folder
        with pytest.raises(OperationalError), waiting_at_most(0.05):
            pass
    assert default.patience == usual


def test_nothing_is_run_in_a_transaction_that_is_lost() -> None:
    """What it read would never have been."""
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            select("SELECT 1", [])


def test_many_threads_write_one_after_the_other(file: Path, first: DatabaseWrapper) -> None:
    def some() -> None:
        connection = connected(file, 10)
        for _ in range(25):
            write(connection)
        connection.close()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(some) for _ in range(4)]:
            done.result()
    assert count(first) == 100


def test_the_records_are_kept_by_it() -> None:
    default = connections["default"]
    assert isinstance(default, DatabaseWrapper) == (default.vendor == "sqlite")
