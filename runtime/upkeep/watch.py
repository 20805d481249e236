"""When a lease is lost, although clocks may be wrong: a worker that lives renews its lease, so a lease that
changes is alive, whatever it says and whatever time it is here."""

from __future__ import annotations

import time
from collections.abc import Iterable

Seen = tuple[int, float]  #: the epoch and end of a lease


class Watch:
    """What one process has seen of all leases, by the clock of its own that nobody sets."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[Seen, float]] = {}

    def lost(
        self, leases: Iterable[tuple[str, int, float]], lease_seconds: float, *, now: float, at: float
    ) -> dict[str, Seen]:
        """Of all leases (run, epoch, end) those that are lost: unchanged for a whole lease, or for half a
        one if by the Unix time `now` it is over (or was set by a clock far ahead). `at`: monotonic."""
        before, self._since = self._since, {}
        found: dict[str, Seen] = {}
        for run_id, *lease in leases:
            seen: Seen = (int(lease[0]), lease[1])
            known = before.get(run_id)
            since = known[1] if known is not None and known[0] == seen else at
            self._since[run_id] = (seen, since)
            over = not now <= seen[1] <= now + 3 * lease_seconds
            if at - since >= (lease_seconds / 2 if over else lease_seconds):
                found[run_id] = seen
        return found

    def look(self, leases: Iterable[tuple[str, int, float]], lease_seconds: float) -> dict[str, Seen]:
        """The same, now."""
        return self.lost(leases, lease_seconds, now=time.time(), at=time.monotonic())
