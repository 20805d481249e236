"""Where the writers of a process wait for their turn at one file, and how some of them share a commit.

A commit costs a sync of the disk and every page that it touched, and short transactions that follow each
other touch mostly the same pages. So a writer that is done while others stand in line leaves its transaction
open; the next one goes on in it, behind a savepoint, and the last one commits for all. Nobody is told that it
is done before that commit. What one of them takes back is its own part alone.

All of them use one connection, whose pages stay in memory as long as no other process writes.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

SHORT_SECONDS = 0.0005  #: between two looks whether another process has finished writing
LONG_SECONDS = 0.01  #: the same once it has written for a while
WHILE_SECONDS = 0.1
MOST_SECONDS = 0.004  #: after that a shared transaction takes nobody in any more: other processes wait, too
MOST_PARTS = 32
LOOK_SECONDS = 0.05  #: between two looks whether somebody is still there to commit
ENDED = "the transaction was ended"
Connect = Callable[[], Any]


class TooLate(Exception):
    """The file was not to be had in time."""


class Lost(Exception):
    """The shared transaction that somebody's part was in could not be committed; `str()` says why."""


class Ended(Exception):
    """SQLite has ended the transaction by itself."""


class Batch:
    """One shared transaction."""

    def __init__(self, *, durable: bool) -> None:
        self.durable = durable
        self.parts = 0
        self.began = time.monotonic()
        self.over = threading.Event()
        self.error: BaseException | None = None

    def takes(self, *, durable: bool) -> bool:
        """Whether one more may go on in it."""
        if durable and not self.durable:
            return False
        return self.parts < MOST_PARTS and time.monotonic() - self.began < MOST_SECONDS


class Line:
    """One for each file. Who has the turn may write; an open batch belongs to whoever has the turn."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._count = threading.Lock()
        self._sharers = 0  #: that stand in line
        self._batch: Batch | None = None
        self._connection: Any = None

    # -- alone

    def enter(self, until: float) -> None:
        """Waits for the turn. Raises TooLate."""
        if not self._turn.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TooLate
        try:
            if self._batch is not None:
                self._settle()
        except BaseException:
            self._turn.release()
            raise

    def leave(self) -> None:
        """Gives the turn to the next in line."""
        self._turn.release()

    # -- together

    def join(self, connect: Connect, until: float, *, durable: bool) -> Part:
        """Waits for the turn and begins a part of a shared transaction. Raises TooLate."""
        with self._count:
            self._sharers += 1
        try:
            taken = self._turn.acquire(timeout=max(0.0, until - time.monotonic()))
        finally:
            with self._count:
                self._sharers -= 1
        if not taken:
            raise TooLate
        try:
            return self._begin(connect, until, durable=durable)
        except BaseException:
            self._turn.release()
            raise

    def _begin(self, connect: Connect, until: float, *, durable: bool) -> Part:
        if self._batch is not None and not self._batch.takes(durable=durable):
            self._settle()
        if self._batch is not None and not self._connection.in_transaction:
            self._fail(self._batch, Ended(ENDED))
        if self._batch is not None:
            self._connection.execute("SAVEPOINT part")
            return Part(self, self._connection, self._batch, joined=True)
        if self._connection is None:
            self._connection = connect()
            self._connection.execute("PRAGMA busy_timeout=0")
        if not durable:
            self._connection.execute("PRAGMA synchronous=NORMAL")  # it cannot change inside a transaction
        try:
            begin(self._connection, until)
        except BaseException:
            self._drop()
            raise
        self._batch = Batch(durable=durable)
        return Part(self, self._connection, self._batch, joined=False)

    def pass_on(self, part: Part, *, kept: bool) -> None:
        """Ends a part: the next in line goes on, or the batch is committed. Returns when that is done; raises
        Lost when it could not be."""
        batch = part.batch
        try:
            self._end(part, kept=kept)
            if self._batch is not None and not (self._sharers and batch.takes(durable=False)):
                self._settle()
        finally:
            self._turn.release()
        while not (batch.over.is_set() or batch.over.wait(LOOK_SECONDS)):
            # Who stood in line has lost patience.
            if self._turn.acquire(blocking=False):
                try:
                    if self._batch is batch:
                        self._settle()
                finally:
                    self._turn.release()
        if batch.error is not None:
            raise Lost(str(batch.error)) from batch.error

    def forget(self) -> None:
        """Closes the shared connection if nobody is using it, for who closes his own, and has reasons to."""
        if self._turn.acquire(blocking=False):
            try:
                if self._batch is None and self._connection is not None:
                    self._drop()
            finally:
                self._turn.release()

    def _end(self, part: Part, *, kept: bool) -> None:
        batch = part.batch
        try:
            if not self._connection.in_transaction:
                # A full disk, for one, ends the whole transaction, whoever's statement met it.
                raise Ended(str(sys.exception() or ENDED))
            if part.joined:
                if not kept:
                    self._connection.execute("ROLLBACK TO part")
                self._connection.execute("RELEASE part")
            elif not kept:
                self._connection.execute("ROLLBACK")
                self._over(batch)
        except BaseException as error:
            self._fail(batch, error)

    def _settle(self) -> None:
        batch = self._batch
        assert batch is not None
        try:
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._fail(batch, error)
        else:
            self._over(batch)

    def _over(self, batch: Batch) -> None:
        self._batch = None
        try:
            self._restore(batch)
        except (
            Exception
        ):  # whatever it was: the commit stands, and what cannot be set right is not used again
            self._drop()
        finally:
            batch.over.set()

    def _restore(self, batch: Batch) -> None:
        if not batch.durable:
            self._connection.execute("PRAGMA synchronous=FULL")

    def _fail(self, batch: Batch, error: BaseException) -> None:
        """Nothing of the batch has come to be. An interruption goes on to whom it was meant for."""
        batch.error = error
        self._batch = None
        try:
            self._drop()
        finally:
            batch.over.set()
        if not isinstance(error, Exception):
            raise error

    def _drop(self) -> None:
        """Closes the connection, which rolls back; the next part makes a new one."""
        connection, self._connection = self._connection, None
        connection.close()


class Part:
    """What one thread writes into a shared transaction, from its turn to `pass_on`."""

    def __init__(self, line: Line, connection: Any, batch: Batch, *, joined: bool) -> None:
        batch.parts += 1
        self.connection = connection
        self.batch = batch
        self.joined = joined  #: others' parts come before it
        self._line = line

    def end(self, *, kept: bool) -> None:
        """See Line.pass_on."""
        self._line.pass_on(self, kept=kept)


def begin(connection: Any, until: float) -> None:
    """BEGIN IMMEDIATE as soon as no other process writes, at short intervals. `connection` must not wait by
    itself. Raises TooLate."""
    since = time.monotonic()
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except Exception as error:
            now = time.monotonic()
            if "locked" not in str(error):
                raise
            if now >= until:
                raise TooLate from error
        time.sleep(SHORT_SECONDS if now - since < WHILE_SECONDS else LONG_SECONDS)
