"""Metrics: figures for a monitoring system, gathered when it asks.

Counting a million rows would cost more than it tells: only active runs are counted, what has ended is counted
by the health monitor as it goes (`health.tallies`), and events by their newest id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.conf import settings

from runtime.journal import probe
from runtime.models import Approval, Event, Run, Worker
from runtime.upkeep import health
from runtime.upkeep.health import RANK, Present, Status
from runtime.upkeep.health.tallies import CALL_BOUNDS, DECISION_BOUNDS, Tallies

Kind = Literal["counter", "gauge", "histogram"]
#: The values of the labels → the figure, or for a histogram what `tallies.observe` keeps.
Values = Mapping[tuple[str, ...], Any]


@dataclass(frozen=True, slots=True)
class Scrape:
    """What the figures are taken from."""

    now: datetime
    present: Present
    open_streams: int

    @property
    def tallies(self) -> Tallies:
        return self.present.tallies


@dataclass(frozen=True, slots=True)
class Metric:
    """Figures of one name: `harness_` and this."""

    short_name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    look: Callable[[Scrape], Values]
    bounds: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        return f"harness_{self.short_name}"


def gather(now: datetime, open_streams: int) -> Iterator[tuple[Metric, Values]]:
    """Every metric with its figures. A few short reads, whatever the records hold. `open_streams`: how many
    this process serves."""
    scrape = Scrape(now, health.present(now), open_streams)
    for metric in METRICS:
        yield metric, metric.look(scrape)


def _one(value: float) -> Values:
    return {(): value}


def _each(values: Mapping[str, Any]) -> Values:
    return {(name,): value for name, value in values.items()}


def _pairs(values: Mapping[str, Mapping[str, float]]) -> Values:
    return {(first, second): value for first, each in values.items() for second, value in each.items()}


def _age(now: datetime, since: datetime | None) -> Values:
    return _one(0.0 if since is None else max(0.0, (now - since).total_seconds()))


def _faults(scrape: Scrape) -> Values:
    found = scrape.tallies.get("faults", {})
    return {
        (model, fault): each["total"] for model, faults in found.items() for fault, each in faults.items()
    }


def _tokens(scrape: Scrape) -> Values:
    found = scrape.tallies.get("tokens", {})
    return _pairs({model: dict(zip(("input", "output"), pair, strict=True)) for model, pair in found.items()})


def _health(scrape: Scrape) -> Values:
    return _one(RANK[Status(scrape.present.report["status"])])


def _checks(scrape: Scrape) -> Values:
    checks = scrape.present.report["checks"]
    return {(check["name"],): RANK[Status(check["status"])] for check in checks}


METRICS = (
    Metric(
        "build_info",
        "gauge",
        "Always 1; its label says which version answers.",
        ("version",),
        lambda scrape: {(settings.VERSION,): 1.0},
    ),
    Metric(
        "runs",
        "gauge",
        "Runs that have not ended.",
        ("state",),
        lambda scrape: _each(Run.objects.all().counts_of_active()),
    ),
    Metric(
        "runs_ended_total",
        "counter",
        "Runs that have ended.",
        ("state",),
        lambda scrape: _each(scrape.tallies.get("ended", {})),
    ),
    Metric(
        "queue_age_seconds",
        "gauge",
        "For how long the oldest run waits that could start.",
        (),
        lambda scrape: _age(scrape.now, Run.objects.queued_longest(scrape.now)),
    ),
    Metric(
        "approvals_pending",
        "gauge",
        "Approvals that wait.",
        (),
        lambda scrape: _one(Approval.objects.count_pending()),
    ),
    Metric(
        "approvals_age_seconds",
        "gauge",
        "For how long the oldest approval waits.",
        (),
        lambda scrape: _age(scrape.now, Approval.objects.pending_since()),
    ),
    Metric(
        "decision_seconds",
        "histogram",
        "From the request of an approval to a person's decision.",
        ("decision",),
        lambda scrape: _each(scrape.tallies.get("decisions", {})),
        DECISION_BOUNDS,
    ),
    Metric(
        "model_calls_total",
        "counter",
        "Model calls by how they ended.",
        ("model", "outcome"),
        lambda scrape: _pairs(scrape.tallies.get("calls", {})),
    ),
    Metric(
        "model_faults_total",
        "counter",
        "Model calls that failed, by what they met.",
        ("model", "fault"),
        _faults,
    ),
    Metric(
        "model_call_seconds",
        "histogram",
        "Model calls that gave a reply, from the request to its end.",
        ("model",),
        lambda scrape: _each(scrape.tallies.get("seconds", {})),
        CALL_BOUNDS,
    ),
    Metric(
        "model_tokens_total",
        "counter",
        "Tokens as the providers counted them.",
        ("model", "direction"),
        _tokens,
    ),
    Metric(
        "events_total",
        "counter",
        "Events written, by the number of the newest; some numbers may have been left out.",
        (),
        lambda scrape: _one(Event.objects.newest_id()),
    ),
    Metric(
        "streams_open",
        "gauge",
        "Live streams of the web process that answers.",
        (),
        lambda scrape: _one(scrape.open_streams),
    ),
    Metric(
        "workers",
        "gauge",
        "Workers heard of within a minute.",
        (),
        lambda scrape: _one(Worker.objects.alive(scrape.now).count()),
    ),
    Metric(
        "database_bytes",
        "gauge",
        "Room that the records take.",
        ("file",),
        lambda scrape: _each(probe.store_bytes()),
    ),
    Metric("health", "gauge", "The whole: 0 healthy, 1 degraded, 2 unhealthy.", (), _health),
    Metric("health_check", "gauge", "The same for each check; unknown is 0.", ("check",), _checks),
)
