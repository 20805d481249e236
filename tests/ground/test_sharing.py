"""Writers of one process share a commit: together or not at all, and what one takes back is its own."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from harness_site.sqlite3 import base
from runtime.benchmarks.commits import counted
from tests.ground.sharing import Row, Writer, numbers, until
from tests.ground.test_turns import begin

pytestmark = pytest.mark.django_db(transaction=True)


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
    go, inside = threading.Event(), threading.Event()

    def fail() -> None:
        inside.set()
        assert go.wait(10)
        raise RuntimeError("changed its mind")

    line = base._line(str(file / "runtime.sqlite"))
    first = threads.submit(Writer(file).insert, 0, then=fail)
    assert inside.wait(10)
    second = threads.submit(Writer(file).insert, 1)
    until(lambda: line._sharers > 0)
    go.set()
    with pytest.raises(RuntimeError, match="changed its mind"):
        first.result()
    second.result()
    assert numbers(file) == [1]


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
    until(lambda: line._sharers > 0)
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
