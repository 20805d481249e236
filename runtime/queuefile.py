"""The queue's own SQLite file may vanish or rot at any time: it is made anew, by whoever notices first.

What was in it is no loss: rings that the rows repeat. A process knows the file that its connection is about
by its inode; when another file lies there, or none, it connects again.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BESIDE = ("-wal", "-shm")
ROTTEN = ("no such table", "disk i/o error")
logger = logging.getLogger(__name__)


class Renewed:
    """Beside such a store, before it."""

    _inode = 0

    @property
    def conn(self: Any) -> Any:
        """The connection, to the file that lies there now."""
        if self._conn is not None and self._inode != inode_of(self.filename, empty=0):
            logger.warning("The queue's file is gone or another one; going on with what is there.")
            self.lost("its file was taken away")
            self._drop()
        return super().conn  # type: ignore[misc]  # beside a store of huey's

    def lost(self, why: str) -> None:
        """What was in it is lost."""

    def _create_connection(self: Any) -> Any:
        with alone(self.filename):
            if not inode_of(self.filename, empty=0):
                remove(self.filename)
            os.close(os.open(self.filename, os.O_CREAT | os.O_RDWR, 0o600))
            self._inode = inode_of(self.filename)
            made = super()._create_connection()  # type: ignore[misc]
            for statement in self.ddl:
                made.execute(statement)
            return made

    def mend(self: Any, error: Exception) -> None:
        """Takes away a file that is no database any more; the next connection makes a new one."""
        if not is_rot(error):
            return
        with self.lock, alone(self.filename):
            self._drop()
            if inode_of(self.filename) == self._inode:
                logger.error("The queue's file was no queue any more (%s); it is made anew.", error)
                remove(self.filename)

    def _drop(self: Any) -> None:
        if self._conn is not None:
            with suppress(sqlite3.Error):
                self._conn.close()
            self._conn = None


def is_rot(error: Exception) -> bool:
    """Whether the file is to blame, and not a lock, the disk or ourselves."""
    if isinstance(error, sqlite3.OperationalError):
        return any(words in str(error).lower() for words in ROTTEN)
    return type(error) is sqlite3.DatabaseError  # malformed, or not a database


def inode_of(file: str, empty: int | None = None) -> int:
    """0 when there is none; `empty`: what to say of one without content."""
    try:
        found = os.stat(file)
    except OSError:
        return 0
    return found.st_ino if found.st_size or empty is None else empty


def remove(file: str) -> None:
    """With what SQLite keeps beside it, which would be taken for a part of the next one."""
    for end in (*BESIDE, ""):
        Path(f"{file}{end}").unlink(missing_ok=True)


@contextmanager
def alone(file: str) -> Iterator[None]:
    """No other process makes or takes away that file meanwhile."""
    descriptor = os.open(f"{file}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
