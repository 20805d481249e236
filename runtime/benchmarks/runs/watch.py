"""Sees in the records when a run asks and when it ends: one thread, which reads only what has changed."""

from __future__ import annotations

import threading
import time
from typing import Any, Self

from django.db import connection

from runtime.benchmarks.report import BenchmarkError
from runtime.lifecycle import TERMINAL, RunState

PAUSE_SECONDS = 0.002
PATIENCE_SECONDS = 60.0
_ENDS = ", ".join(f"'{state.value}'" for state in sorted(TERMINAL))
_ASKED = "SELECT run_id, approval_id, digest FROM approvals WHERE status = 'pending'"
_ENDED = f"SELECT run_id, state FROM runs WHERE state IN ({_ENDS}) AND run_id IN "  # noqa: S608  (our states)


class Watch:
    """A context manager; any thread may wait for any run."""

    def __init__(self) -> None:
        self._asked: dict[str, Waiter] = {}
        self._ended: dict[str, Waiter] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._new = False
        self._version: Any = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def approval_of(self, run_id: str) -> tuple[str, str]:
        """Waits until the run asks; the approval's id and digest."""
        approval_id, digest = self._wait(self._asked, run_id, "ask")
        return approval_id, digest

    def end_of(self, run_id: str) -> None:
        """Waits until the run has ended; raises BenchmarkError unless it completed."""
        (state,) = self._wait(self._ended, run_id, "end")
        if state != RunState.COMPLETED:
            raise BenchmarkError(f"The run {run_id} ended as {state}.")

    def _wait(self, waiters: dict[str, Waiter], run_id: str, what: str) -> tuple[str, ...]:
        waiter = waiters[run_id] = Waiter()
        self._new = True
        if not waiter.seen.wait(PATIENCE_SECONDS):
            raise BenchmarkError(f"The run {run_id} did not {what} within {PATIENCE_SECONDS:g} s.")
        del waiters[run_id]
        return waiter.row

    def _look(self) -> None:
        try:
            while not self._over.is_set():
                if self._changed():
                    self._tell(self._asked, _ASKED, [])
                    waiting = list(self._ended)
                    if waiting:
                        self._tell(self._ended, f"{_ENDED} ({', '.join(['%s'] * len(waiting))})", waiting)
                time.sleep(PAUSE_SECONDS)
        finally:
            connection.close()

    def _changed(self) -> bool:
        """Whether somebody else committed, or somebody new waits; on PostgreSQL always."""
        new, self._new = self._new, False
        if connection.vendor != "sqlite":
            return bool(self._asked or self._ended)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            version, self._version = self._version, cursor.fetchone()
        return new or version != self._version

    def _tell(self, waiters: dict[str, Waiter], query: str, parameters: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            for run_id, *rest in cursor.fetchall():
                waiter = waiters.get(run_id)
                if waiter is not None:
                    waiter.row = tuple(rest)
                    waiter.seen.set()


class Waiter:
    """One thread that waits for one row."""

    def __init__(self) -> None:
        self.seen = threading.Event()
        self.row: tuple[str, ...] = ()
