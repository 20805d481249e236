"""Writers that share a commit, and a row of them that stands in line until it is told to go."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from django.db import OperationalError

from harness_site.sqlite3 import base
from tests.ground.test_turns import begin, connected


class Writer:
    """One thread's connection, for parts that end when they are told to."""

    def __init__(self, file: Path, patience: float = 10) -> None:
        self.connection = connected(file, patience)

    def run(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def write(self, *statements: str, durable: bool = True, then: Callable[[], object] = bool) -> None:
        """One part; `then` is called before it ends."""
        try:
            with self.connection.sharing(durable=durable):
                begin(self.connection)
                try:
                    for statement in statements:
                        self.run(statement)
                    then()
                except BaseException:
                    with suppress(OperationalError):
                        self.connection.rollback()
                    raise
                self.connection.commit()
        finally:
            if not self.connection.get_autocommit():
                self.connection.set_autocommit(True)

    def insert(self, n: int, **how: object) -> None:
        self.write(f"INSERT INTO numbers VALUES ({n})", **how)  # type: ignore[arg-type]


def numbers(file: Path) -> list[int]:
    """As anyone else sees them."""
    with sqlite3.connect(file / "runtime.sqlite") as outside:
        return [n for (n,) in outside.execute("SELECT n FROM numbers ORDER BY n")]


def until(true: Callable[[], bool]) -> None:
    """Waits for what another thread is about to do."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


class Row:
    """A first writer that stays in its part until others stand in line behind it."""

    def __init__(self, file: Path, threads: ThreadPoolExecutor) -> None:
        self.file, self.threads = file, threads
        self.line = base._line(str(file / "runtime.sqlite"))
        self._go = threading.Event()
        inside = threading.Event()

        def wait() -> None:
            inside.set()
            assert self._go.wait(10)

        self.first = threads.submit(Writer(file).insert, 0, then=wait)
        assert inside.wait(10)

    def behind(self, act: Callable[..., None], *arguments: object, **how: object) -> Future[None]:
        """Somebody else, who stands in line when this returns."""
        before = self.line._sharers
        following = self.threads.submit(act, *arguments, **how)
        until(lambda: self.line._sharers != before)
        return following

    def go(self) -> None:
        self._go.set()
