"""Events: appended by the journal and read back, by the size of an entry and by what the run has already.

Entries are as durable as the product's. Reading is by the rows, as a page of the API does, and by the stream
of a web process, from the request to the last event.
"""

from __future__ import annotations

import socket
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from django.conf import settings

from runtime import access, journal
from runtime.benchmarks import product
from runtime.benchmarks.commits import counted
from runtime.benchmarks.counts import count
from runtime.benchmarks.live.publisher import TEXT, make_runs
from runtime.benchmarks.report import ROUNDS, BenchmarkError, Report
from runtime.events import EventType
from runtime.models import Event

NAME = "events"
SUMMARY = (
    "appending events and reading them back: events a second, by entry and by history; replay of a stream"
)
AT_ONCE = 1_000  #: of a history that is laid
PAGE = 100  #: events that are read at a time
PATIENCE_SECONDS = 60.0


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--batches", default="1,10,100", help="events of an entry (1,10,100)")
    parser.add_argument("--histories", default="100,10000", help="events that the run has (100,10000)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round of each (2)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds ({ROUNDS})")


def run(options: Namespace) -> Report:
    """See Benchmark."""
    batches, histories = _numbers("--batches", options.batches), _numbers("--histories", options.histories)
    report = Report()
    leases = {history: _with_history(history) for history in histories}
    rates: dict[tuple[int, int], list[float]] = {(h, b): [] for h in histories for b in batches}
    for _ in range(options.rounds):
        for (history, batch), found in rates.items():
            found.append(_append(_with_history(history), batch, options.seconds))
    for (history, batch), found in rates.items():
        report.add(f"append_{batch}_after_{history}", "events/s", found)
    written = [_bytes(_with_history(max(histories)), batch) for batch in batches]
    for batch, size in zip(batches, written, strict=True):
        report.add(f"logged_{batch}", "bytes/event", [size])
    for history, lease in leases.items():
        report.add(f"read_{history}", "events/s", (_read(lease.run_id) for _ in range(options.rounds)))
    token = access.make_token("benchmark", ["viewer"])
    with product.running(("web",)) as running:
        for history, lease in leases.items():
            _replay(running.port, token, lease.run_id)
            rounds = [_replay(running.port, token, lease.run_id) for _ in range(options.rounds)]
            report.add(f"replay_{history}", "events/s", rounds)
    return report


def _numbers(name: str, text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise BenchmarkError(f"{name} takes numbers from 1 with commas between them, such as 1,10,100.")
    return found


def _with_history(events: int) -> journal.Lease:
    """A running run with so many events."""
    lease = make_runs(1)[0]
    left = events - 3  # created, queued, claimed
    while left > 0:
        _entry(lease, min(left, AT_ONCE), durable=False)
        left -= AT_ONCE
    return lease


def _entry(lease: journal.Lease, events: int, *, durable: bool = True) -> None:
    with journal.entry(lease.run_id, lease, durable=durable) as entry:
        for _ in range(events):
            entry.note(EventType.OUTPUT_DELTA, text=TEXT, call=1)


def _append(lease: journal.Lease, batch: int, seconds: float) -> float:
    """Events a second."""
    began = time.perf_counter()
    entries = 0
    while time.perf_counter() - began < seconds:
        _entry(lease, batch)
        entries += 1
    return entries * batch / (time.perf_counter() - began)


def _bytes(lease: journal.Lease, batch: int) -> float:
    """What the database logs for each event."""
    entries = 10
    with counted(Path(settings.DATA_DIR) / "runtime.sqlite") as found:
        for _ in range(entries):
            _entry(lease, batch)
    return found.written / (entries * batch)


def _read(run_id: str) -> float:
    """Events a second, a page at a time."""
    began = time.perf_counter()
    after = events = 0
    while page := list(Event.objects.of_run(run_id, after)[:PAGE]):
        events += len([event.body for event in page])
        after = page[-1].sequence
    return events / (time.perf_counter() - began)


def _replay(port: int, token: str, run_id: str) -> float:
    """Events a second of a stream that begins at the first one."""
    last = Event.objects.filter(run_id=run_id).count()
    end = f"id: {last}\n".encode()
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as link:
        link.sendall(
            f"GET /api/v1/runs/{run_id}/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        tail = b""
        while end not in tail:
            data = link.recv(1 << 18)
            if not data:
                raise BenchmarkError("The web server closed the stream before its last event.")
            tail = (tail + data)[-(len(data) + len(end)) :]
    return last / (time.perf_counter() - began)
