"""Django's SQLite, whose writers take turns and may share their commits.

A writer that finds another one at work sleeps, by SQLite's own rule, for up to a tenth of a second, while the
place is mostly free again within one or two thousandths: busy writers then wait much longer than they work.
Here the threads of a process stand in line, so that one of each process asks the file, at short intervals.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from harness_site.sqlite3.line import Line, Lost, Part, TooLate, begin


@cache
def _line(file: str) -> Line:
    """Where the writers of this process wait for their turn at a file."""
    return Line()


class DatabaseWrapper(base.DatabaseWrapper):
    """Write transactions of Django's kind take turns; single statements wait as SQLite does."""

    _turn: Line | None = None  #: while a write transaction of this connection is open
    _part: Part | None = None  #: while it writes into a shared one
    _own: Any = None  #: the connection of this thread meanwhile
    _shares: bool | None = None  #: whether the next transaction is durable, inside `sharing`
    _lost: Lost | None = None
    _patience: float | None = None

    @contextmanager
    def sharing(self, *, durable: bool = True) -> Iterator[None]:
        """The transaction that begins in this block may share its commit with others of this process; it
        raises OperationalError when that commit fails. For short ones that keep all constraints: a commit
        that one of them makes impossible fails for all. With `durable=False` it is not synced to disk at
        once."""
        self._shares = durable
        try:
            yield
        except Exception as error:
            if self._lost is not None and not isinstance(error, OperationalError):
                # What it saw, and now complains about, has not come to be.
                raise OperationalError(str(self._lost)) from error
            raise
        finally:
            self._shares = self._lost = None

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
        line, until = _line(str(self.settings_dict["NAME"])), time.monotonic() + self.patience
        self.ensure_connection()
        try:
            with self.wrap_database_errors:
                if self._shares is None:
                    self._begin_alone(line, until)
                else:
                    self._part = line.join(self._connect, until, durable=self._shares)
                    self._own, self.connection = self.connection, self._part.connection
        except TooLate as error:
            raise OperationalError("database is locked") from error

    def _begin_alone(self, line: Line, until: float) -> None:
        line.enter(until)
        self._turn = line
        run: Any = self.connection.execute
        try:
            run("PRAGMA busy_timeout=0")
            try:
                begin(self.connection, until)
            finally:
                run(f"PRAGMA busy_timeout={int(self.patience * 1000)}")
        except BaseException:
            self._leave()
            raise

    def _connect(self) -> Any:
        connection: Any = self.get_new_connection(self.get_connection_params())
        connection.isolation_level = None  # it begins and ends by our statements alone
        return connection

    def _commit(self) -> Any:
        if self._part is not None:
            self._end_part(kept=True)
            return
        super()._commit()  # type: ignore[misc]
        self._leave()

    def _rollback(self) -> Any:
        if self._part is not None:
            self._end_part(kept=False)
            return
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> Any:
        try:
            if self._part is not None:
                self._end_part(kept=False)
        finally:
            try:
                super()._close()  # type: ignore[misc]
            finally:
                self._leave()
                _line(str(self.settings_dict["NAME"])).forget()

    def _end_part(self, *, kept: bool) -> None:
        part, self._part = self._part, None
        self.connection, self._own = self._own, None
        assert part is not None
        try:
            part.end(kept=kept)
        except Lost as lost:
            cause = lost.__cause__
            if part.batch.parts == 1 and isinstance(cause, self.Database.Error):
                with self.wrap_database_errors:  # nobody else's: it says itself what was wrong
                    raise cause from None
            self._lost = lost
            raise OperationalError(str(lost)) from lost

    def _leave(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.leave()
