"""Files whose writers share their commits."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness_site.sqlite3 import base
from tests.ground.sharing import Row
from tests.ground.test_turns import connected

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
