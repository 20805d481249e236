"""Writers of one process share a commit: together or not at all, and what one takes back is its own."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import OperationalError

from harness_site.sqlite3 import base
from runtime.benchmarks.commits import counted
from tests.ground.sharing import Row, Writer, numbers
from tests.ground.test_turns import begin, connected

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = """
CREATE TABLE numbers (n INTEGER PRIMARY KEY);
CREATE TABLE pointers (n REFERENCES numbers (n) DEFERRABLE INITIALLY DEFERRED);
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    made = connected(tmp_path, 10)
    for statement in TABLES.split(";"):
        with made.cursor() as cursor:
            cursor.execute(statement)
    made.close()
    yield tmp_path
    shared = base._line(str(tmp_path / "runtime.sqlite"))._connection
    if shared is not None:
        shared.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as made:
        yield made


@pytest.fixture
def row(file: Path, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> Row:
    monkeypatch.setattr("harness_site.sqlite3.line.MOST_SECONDS", 60.0)  # machines may be slow
    return Row(file, threads)


def test_those_in_line_share_one_commit(row: Row) -> None:
    others = [row.behind(Writer(row.file).insert, n) for n in range(1, 6)]
    with counted(row.file / "runtime.sqlite") as records:
        row.go()
        for each in (row.first, *others):
            each.result()
    assert numbers(row.file) == [0, 1, 2, 3, 4, 5]
    assert records.commits == 1


def test_one_alone_does_not_wait_for_others(file: Path) -> None:
    writer = Writer(file)
    with counted(file / "runtime.sqlite") as records:
        for n in range(3):
            writer.insert(n)
            assert numbers(file)[-1] == n
    assert records.commits == 3


def test_nobody_is_told_before_the_commit(row: Row) -> None:
    hold, inside = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert hold.wait(10)

    second = row.behind(Writer(row.file).insert, 1, then=wait)
    row.go()
    assert inside.wait(10)
    time.sleep(0.2)  # longer than a look whether somebody is still there to commit
    assert not row.first.done()
    assert numbers(row.file) == []
    hold.set()
    row.first.result()
    second.result()
    assert numbers(row.file) == [0, 1]


def test_what_one_takes_back_is_its_own_part(row: Row) -> None:
    def fail() -> None:
        raise RuntimeError("changed its mind")

    failing = row.behind(Writer(row.file).insert, 1, then=fail)
    third = row.behind(Writer(row.file).insert, 2)
    wrong = row.behind(Writer(row.file).insert, 0)  # there already
    row.go()
    for each in (row.first, third):
        each.result()
    with pytest.raises(RuntimeError, match="changed its mind"):
        failing.result()
    with pytest.raises(Exception, match="UNIQUE"):
        wrong.result()
    assert numbers(row.file) == [0, 2]


def test_the_first_one_may_take_back_its_part(file: Path, threads: ThreadPoolExecutor) -> None:
    go = threading.Event()

    def fail() -> None:
        assert go.wait(10)
        raise RuntimeError("changed its mind")

    line = base._line(str(file / "runtime.sqlite"))
    first = threads.submit(Writer(file).insert, 0, then=fail)
    second = threads.submit(Writer(file).insert, 1)
    while not line._sharers:
        time.sleep(0.001)
    go.set()
    with pytest.raises(RuntimeError, match="changed its mind"):
        first.result()
    second.result()
    assert numbers(file) == [1]


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


def test_one_that_must_be_synced_does_not_join_one_that_is_not(
    file: Path, threads: ThreadPoolExecutor
) -> None:
    how: list[int] = []

    def note(writer: Writer) -> None:
        with writer.connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous")
            how.append(cursor.fetchone()[0])

    go, inside = threading.Event(), threading.Event()
    loose, strict = Writer(file), Writer(file)

    def wait() -> None:
        note(loose)
        inside.set()
        assert go.wait(10)

    first = threads.submit(loose.insert, 0, durable=False, then=wait)
    assert inside.wait(10)
    second = threads.submit(strict.insert, 1, then=lambda: note(strict))
    line = base._line(str(file / "runtime.sqlite"))
    while not line._sharers:
        time.sleep(0.001)
    go.set()
    first.result()
    second.result()
    assert how == [1, 2]  # NORMAL, FULL
    assert numbers(file) == [0, 1]


def test_a_writer_alone_finds_the_shared_commit_done(row: Row) -> None:
    alone = Writer(row.file)

    def write() -> None:
        begin(alone.connection)
        alone.run("INSERT INTO numbers SELECT count(*) + 10 FROM numbers")
        alone.connection.commit()
        alone.connection.set_autocommit(True)

    following = row.threads.submit(write)
    time.sleep(0.05)
    row.go()
    row.first.result()
    following.result()
    assert numbers(row.file) == [0, 11]


def test_who_loses_patience_in_line_leaves_nobody_waiting(row: Row) -> None:
    row.line._sharers += 1  # it will not take its turn any more
    row.go()
    row.first.result(timeout=10)
    assert numbers(row.file) == [0]
    row.line._sharers -= 1


def test_a_connection_that_is_closed_in_its_part_takes_it_back(file: Path) -> None:
    writer = Writer(file)
    with writer.connection.sharing():
        begin(writer.connection)
        writer.run("INSERT INTO numbers VALUES (1)")
        writer.connection.close()
    assert numbers(file) == []
    Writer(file).insert(2)
    assert numbers(file) == [2]


def test_many_threads_lose_and_double_nothing(file: Path, threads: ThreadPoolExecutor) -> None:
    """Some parts are taken back, some writers write alone, and another process writes in between."""
    failing = {n for n in range(400) if n % 7 == 3}

    def some(place: int) -> list[int]:
        writer, told = Writer(file), []
        for n in range(place * 50, place * 50 + 50):

            def end(n: int = n) -> None:
                if n in failing:
                    raise RuntimeError

            with suppress(RuntimeError):
                writer.insert(n, then=end, durable=n % 5 > 0)
                told.append(n)
                assert n in numbers(file)
        writer.connection.close()
        return told

    def elsewhere() -> None:
        other = sqlite3.connect(file / "runtime.sqlite", isolation_level=None, timeout=10)
        for n in range(1000, 1050):
            other.execute("INSERT INTO numbers VALUES (?)", (n,))
        other.close()

    outside = threads.submit(elsewhere)
    told = [n for each in [threads.submit(some, place) for place in range(8)] for n in each.result()]
    outside.result()
    assert sorted(told) == sorted(set(range(400)) - failing)
    assert numbers(file) == sorted([*told, *range(1000, 1050)])
