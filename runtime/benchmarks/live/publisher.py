"""Runs that say something at a steady pace, each word an entry of the journal."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.db import transaction

from runtime import access, actions, journal
from runtime.events import EventType

TEXT = "Some words of a reply, as a model streams them: a tenth of a second's worth, about a line of text."
MANY = 1_000_000


@dataclass
class Published:
    """What was committed when: run → sequence → time of the monotonic clock."""

    sent: dict[str, dict[int, float]] = field(default_factory=dict)
    late: float = 0.0  #: seconds behind the pace at the end

    @property
    def events(self) -> int:
        return sum(map(len, self.sent.values()))


def make_runs(count: int) -> list[journal.Lease]:
    """Running runs that this process holds."""
    leases = []
    for _ in range(count):
        run = actions.start_run(access.command(), "say something", agent="direct")
        lease = journal.claim(run.run_id, "benchmark", slots=MANY, lease_seconds=3600)
        assert lease is not None
        leases.append(lease)
    return leases


def publish(leases: list[journal.Lease], rate: float, seconds: float) -> Published:
    """So many events a second in all, run after run."""
    published = Published()
    began = time.monotonic()
    for number in range(round(rate * seconds)):
        pause = began + number / rate - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        _say(leases[number % len(leases)], published)
    published.late = max(0.0, time.monotonic() - began - seconds)
    return published


def _say(lease: journal.Lease, published: Published) -> None:
    committed: list[float] = []
    with transaction.atomic():
        transaction.on_commit(lambda: committed.append(time.monotonic()))
        with journal.entry(lease.run_id, lease) as entry:
            sequence = entry.note(EventType.OUTPUT_DELTA, text=TEXT, call=1)
    published.sent.setdefault(lease.run_id, {})[sequence] = committed[0]
