"""From played runs to figures. What happened between two events of a run is told by the events themselves."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from runtime.benchmarks.commits import Counted
from runtime.benchmarks.product import Product
from runtime.benchmarks.report import Report, number, percentile, table
from runtime.benchmarks.runs.client import Played
from runtime.models import Event

BATCH = 500
Trail = list[tuple[str, float]]  # the types of a run's events with their times


@dataclass
class Round:
    """One round: what was played, in how many seconds, with how much processor time of whom."""

    played: list[Played] = field(default_factory=list)
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.trails: list[Trail] = []


@contextmanager
def measured(product: Product) -> Iterator[Round]:
    """Clocks around the block, which fills in `played`."""
    result = Round()
    before, own, began = product.cpu_seconds(), time.process_time(), time.monotonic()
    yield result
    result.seconds = time.monotonic() - began
    result.cpu = {name: now - before[name] for name, now in product.cpu_seconds().items()}
    result.cpu["client"] = time.process_time() - own
    result.trails = list(_trails([played.run_id for played in result.played]).values())


def _trails(run_ids: Sequence[str]) -> dict[str, Trail]:
    found: dict[str, Trail] = defaultdict(list)
    for begin in range(0, len(run_ids), BATCH):
        events = Event.objects.filter(run_id__in=run_ids[begin : begin + BATCH]).order_by(
            "run_id", "sequence"
        )
        for run_id, kind, moment in events.values_list("run_id", "type", "created_at"):
            found[run_id].append((kind, moment.timestamp()))
    return found


def fill(report: Report, rounds: Sequence[Round]) -> None:
    """Everything that every round can tell."""
    runs = [len(each.played) for each in rounds]
    report.add("runs_per_second", "/s", (n / r.seconds for n, r in zip(runs, rounds, strict=True)))
    report.add("events_per_second", "/s", (sum(map(len, r.trails)) / r.seconds for r in rounds))
    report.add("events_per_run", "", (sum(map(len, r.trails)) / len(r.trails) for r in rounds))
    for name in ("web", "worker", "client"):
        cpu = [each.cpu[name] * 1000 / len(each.played) for each in rounds]
        report.add(f"{name}_cpu_per_run", "ms", cpu)
    cores = [sum(each.cpu.values()) / each.seconds for each in rounds]
    report.add("cores_busy", "cores", cores)
    _latency(report, "start_to_asked", [[p.asked - p.began for p in r.played] for r in rounds])
    for name, last in (("decision_to_tool_started", "tool.started"), ("decision_to_completed", None)):
        _latency(report, name, [[_between(t, "approval.resolved", last) for t in r.trails] for r in rounds])
    _latency(report, "decision_answered", [[p.decided - p.asked for p in r.played] for r in rounds])
    _latency(report, "start_to_end", [[p.ended - p.began for p in r.played] for r in rounds])
    report.say("Steps: from one event of a run to the next, by the events' times, all rounds.")
    report.say(_steps([trail for each in rounds for trail in each.trails]))


def runs_written(report: Report, runs: int, records: Counted, queue: Counted) -> None:
    """What the round that counted commits has to say."""
    report.add("commits_per_run", "", [records.commits / runs])
    report.add("written_per_run", "KB", [records.written / runs / 1000])
    report.add("queue_commits_per_run", "", [queue.commits / runs])


def _latency(report: Report, name: str, rounds: list[list[float]]) -> None:
    for percent in (50, 95):
        report.add(f"{name}_p{percent}", "ms", (percentile(each, percent) * 1000 for each in rounds))


def _between(trail: Trail, first: str, last: str | None) -> float:
    """Seconds from the first event of a type to that of another; without one, to the end."""
    times = dict(reversed(trail))
    return (trail[-1][1] if last is None else times[last]) - times[first]


def _steps(trails: list[Trail]) -> str:
    gaps: dict[tuple[int, str, str], list[float]] = defaultdict(list)
    for trail in trails:
        for place, ((before, then), (after, now)) in enumerate(zip(trail, trail[1:], strict=False), 1):
            gaps[place, before, after].append((now - then) * 1000)
    rows = [
        [f"{place} {before} → {after}", number(median(took)), number(percentile(took, 95)), f"{len(took)}"]
        for (place, before, after), took in sorted(gaps.items())
    ]
    return table(["step", "p50 ms", "p95 ms", "times"], rows)
