"""The heartbeat of the leases that this process holds: one thread for all of them.

It renews every quarter of a lease and looks once a second whether somebody fenced a run (cancelled, deleted,
took it), so that a long silent model call ends soon after its run did.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import Error as DatabaseError
from django.db import connection

from runtime import journal

Claimed = TypeVar("Claimed")
LOOK_SECONDS = 1.0
logger = logging.getLogger(__name__)


class Stopping(Exception):
    """The process is ending: hand the run back."""


class Held:
    """A lease in use. `check()` is cheap; call it wherever a run spends time."""

    def __init__(self, lease: journal.Lease, stopping: threading.Event, lease_seconds: float) -> None:
        self.lease = lease
        self.lost = threading.Event()
        # By a clock that goes on while the process is stopped and that nobody sets.
        self.good_until = time.monotonic() + lease.until - time.time()
        self._lease_seconds = lease_seconds
        self._stopping = stopping

    @property
    def over(self) -> bool:
        """Whether what is being done for the run should end."""
        return self.lost.is_set() or self._stopping.is_set()

    def check(self) -> None:
        """Raises journal.Fenced when the run was taken away, Stopping when the process ends."""
        if self.lost.is_set():
            raise journal.Fenced(f"Run {self.lease.run_id} was taken away.")
        if self._stopping.is_set():
            raise Stopping

    def make_sure(self) -> None:
        """For the moment before what cannot be taken back. A process that was stopped for longer than its
        lease, and now goes on as if nothing had been, asks whether the run is still its own."""
        if time.monotonic() >= self.good_until:
            self.renewed(time.monotonic(), journal.renew([self.lease], self._lease_seconds))
        self.check()

    def renewed(self, at: float, runs: Collection[str]) -> None:
        """Takes note of what a heartbeat that began `at` could extend."""
        if self.lease.run_id in runs:
            self.good_until = at + self._lease_seconds
        else:
            self.lost.set()


class Keeper:
    """Keeps the leases of one worker process alive."""

    def __init__(self, owner: str, lease_seconds: float) -> None:
        self.owner = owner
        self.lease_seconds = lease_seconds
        self.stopping = threading.Event()
        self._held: dict[str, Held] = {}
        self._wanted: dict[str, bool] = {}  #: runs that are being claimed → whether another came
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def hold(self, lease: journal.Lease) -> Iterator[Held]:
        """Keeps the lease alive for the length of the block."""
        held = Held(lease, self.stopping, self.lease_seconds)
        with self._lock:
            earlier = self._held.get(lease.run_id)
            if earlier is not None:
                earlier.lost.set()  # this process claimed the run again before it let go of it
            self._held[lease.run_id] = held
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)
                self._thread.start()
        self._some.set()
        try:
            yield held
        finally:
            with self._lock:
                if self._held.get(lease.run_id) is held:
                    del self._held[lease.run_id]
                if not self._held:
                    self._some.clear()

    def alone(self, run_id: str, claim: Callable[[], Claimed | None]) -> Claimed | None:
        """Claims a run unless another thread of this process is about to: a claim that cannot be won would
        only hold up all who write. That one then tries once more when it had no success, since who came
        meanwhile may know of a place that has come free."""
        with self._lock:
            if run_id in self._wanted:
                self._wanted[run_id] = True
                return None
            self._wanted[run_id] = False
        again = True
        while again:
            in_vain = False
            try:
                found = claim()
                in_vain = found is None
            finally:
                with self._lock:
                    again = in_vain and self._wanted[run_id]
                    if again:
                        self._wanted[run_id] = False
                    else:
                        del self._wanted[run_id]
        return found

    def stop(self) -> None:
        """Asks every run of this process to be handed back."""
        self.stopping.set()

    def _beat(self) -> None:
        renewed = time.monotonic()
        interval = self.lease_seconds / 4
        while True:
            if not self._some.is_set():
                self._some.wait()  # at rest: no clock, no query
                renewed = time.monotonic()
            time.sleep(min(LOOK_SECONDS, interval))
            with self._lock:
                held = list(self._held.values())
            if not held:
                continue  # let go of meanwhile
            try:
                self._look(held)
                if time.monotonic() - renewed >= interval:
                    renewed = time.monotonic()
                    runs = journal.renew([each.lease for each in held], self.lease_seconds)
                    for each in held:
                        each.renewed(renewed, runs)
                journal.release()
            except DatabaseError:
                # Leases that run out meanwhile are lost, which every entry notices by itself.
                logger.warning("The heartbeat could not reach the database; trying again.", exc_info=True)
                connection.close()

    def _look(self, held: list[Held]) -> None:
        present = journal.epochs(h.lease.run_id for h in held)
        for each in held:
            if present.get(each.lease.run_id) != each.lease.epoch:
                each.lost.set()
