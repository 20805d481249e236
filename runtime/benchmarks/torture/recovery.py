"""How long it took until what a kill had interrupted went on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from runtime.events import EventType
from runtime.models import Event


@dataclass(frozen=True)
class Kill:
    """One process that was killed; `at` is Unix time."""

    target: str  #: web, worker or all
    name: str
    pid: int
    at: float


def run_recoveries(kills: Iterable[Kill]) -> list[float]:
    """Seconds from the kill of the worker that held a run to the run's next claim. Runs that were cancelled
    or given up meanwhile are left out."""
    deaths: dict[str, list[float]] = {}
    for kill in kills:
        deaths.setdefault(str(kill.pid), []).append(kill.at)
    kinds = (EventType.RUN_DEQUEUED.value, EventType.RUN_RECOVERED.value)
    found: list[float] = []
    run_id, owner, since, death = "", "", 0.0, 0.0
    for event in Event.objects.filter(type__in=kinds).order_by("run_id", "sequence").iterator():
        at = event.created_at.timestamp()
        if event.run_id != run_id:
            run_id, death = event.run_id, 0.0
        if event.type == EventType.RUN_RECOVERED:
            # A worker's id is made of its host, its process and some letters.
            times = deaths.get(owner.rsplit("-", 2)[1], []) if owner else []
            death = max((time for time in times if since <= time <= at), default=0.0)
            continue
        if death:
            found.append(at - death)
        owner, since, death = event.body["worker"], at, 0.0
    return found


def web_recoveries(kills: Iterable[Kill], answers: Sequence[float]) -> Iterator[float]:
    """Seconds from each kill of the web server to the next whole answer."""
    ordered = sorted(answers)
    for kill in kills:
        following = bisect_right(ordered, kill.at)
        if kill.name == "web" and following < len(ordered):
            yield ordered[following] - kill.at
