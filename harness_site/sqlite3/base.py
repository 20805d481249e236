"""Django's SQLite, whose writers take turns.

A writer that finds another one at work sleeps, by SQLite's own rule, for up to a tenth of a second, while the
place is mostly free again within one or two thousandths: busy writers then wait much longer than they work.
Here the threads of a process stand in line for a lock, so that one of each process asks the file, at short
intervals.
"""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

SHORT_SECONDS = 0.0005  #: between two looks whether another process has finished writing
LONG_SECONDS = 0.01  #: the same once it has written for a while
WHILE_SECONDS = 0.1


@cache
def _line(file: str) -> threading.Lock:
    """Where the writers of this process wait for their turn at a file."""
    return threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """Write transactions of Django's kind take turns; single statements wait as SQLite does."""

    _turn: threading.Lock | None = None  #: while a write transaction of this connection is open
    _patience: float | None = None

    def wait_at_most(self, seconds: float | None) -> None:
        """How long a write waits for other writers from now on; None: as the settings say."""
        self._patience = seconds
        with self.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout={int(self.patience * 1000)}")

    @property
    def patience(self) -> float:
        """In seconds."""
        usual: float = self.settings_dict["OPTIONS"]["timeout"]
        return usual if self._patience is None else self._patience

    def _start_transaction_under_autocommit(self) -> None:
        if self.transaction_mode != "IMMEDIATE":  # type: ignore[attr-defined]
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
            return
        until = time.monotonic() + self.patience
        turn = _line(str(self.settings_dict["NAME"]))
        if not turn.acquire(timeout=self.patience):
            raise OperationalError("database is locked")
        self._turn = turn
        try:
            self._begin(until)
        except BaseException:
            self._leave()
            raise

    def _begin(self, until: float) -> None:
        self.ensure_connection()
        run: Any = self.connection.execute
        since = time.monotonic()
        run("PRAGMA busy_timeout=0")
        try:
            while True:
                try:
                    with self.wrap_database_errors:
                        run("BEGIN IMMEDIATE")
                    return
                except OperationalError as error:
                    now = time.monotonic()
                    if "locked" not in str(error) or now >= until:
                        raise
                time.sleep(SHORT_SECONDS if now - since < WHILE_SECONDS else LONG_SECONDS)
        finally:
            run(f"PRAGMA busy_timeout={int(self.patience * 1000)}")

    def _commit(self) -> Any:
        super()._commit()  # type: ignore[misc]
        self._leave()

    def _rollback(self) -> Any:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> Any:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave()

    def _leave(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.release()
