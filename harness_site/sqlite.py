"""Puts `pysqlite3` in the place of `sqlite3`, with what Django 6 asks of a connection and it lacks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pysqlite3
import pysqlite3.dbapi2

LIMIT_COLUMN, LIMIT_VARIABLE_NUMBER = 2, 9  # SQLite's own numbers
DEFAULTS = {LIMIT_COLUMN: 2_000, LIMIT_VARIABLE_NUMBER: 32_766}


class Connection(pysqlite3.Connection):  # type: ignore[misc]  # untyped
    """A connection that knows its limits, as `sqlite3`'s does since Python 3.11, and that makes a new file
    so that freed space can be given back piece by piece."""

    def __init__(self, database: str | Path, *args: Any, **options: Any) -> None:
        file = Path(database)
        is_new = not file.exists() or not file.stat().st_size
        super().__init__(database, *args, **options)
        if is_new:
            # Only then: it takes the write lock, and a file that holds something would not change any more.
            self.execute("PRAGMA auto_vacuum=INCREMENTAL")

    def getlimit(self, category: int) -> int:
        """SQLite's default, or what this library was compiled with."""
        if category == LIMIT_VARIABLE_NUMBER:
            for (option,) in self.execute("PRAGMA compile_options"):
                if option.startswith("MAX_VARIABLE_NUMBER="):
                    return int(option.partition("=")[2])
        return DEFAULTS[category]


def stand_in() -> None:
    """From now on `import sqlite3` gives `pysqlite3`."""
    for module in (pysqlite3, pysqlite3.dbapi2):
        found: Any = module
        found.SQLITE_LIMIT_COLUMN = LIMIT_COLUMN
        found.SQLITE_LIMIT_VARIABLE_NUMBER = LIMIT_VARIABLE_NUMBER
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
