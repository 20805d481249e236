"""Diagnoses of a page of runs: their facts and what holds for all of them, put before the pure function."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings

from runtime import catalogue
from runtime.diagnosis import Diagnosis, House, diagnose
from runtime.lifecycle import RunState
from runtime.models import Run
from runtime.upkeep import last_good
from runtime.workspace import WorkspaceError


def diagnoses(runs: Iterable[Run]) -> dict[str, Diagnosis]:
    """Each run's diagnosis by its id; the same number of queries for one run and for two hundred."""
    found = list(runs)
    facts = Run.objects.facts(found)
    house = look_around(some_wait=any(run.state == RunState.WAITING_FOR_APPROVAL for run in found))
    return {run_id: diagnose(of_run, house) for run_id, of_run in facts.items()}


def look_around(*, some_wait: bool = True) -> House:
    """What holds for all runs now; which tools are missing only matters where one waits for a decision."""
    now = datetime.now(UTC)
    problem: str = ""
    limits: dict[str, int] = {}
    try:
        limits = catalogue.current().workspace.agent_limits
    except WorkspaceError as error:
        problem = str(error).splitlines()[0]
    workers, slots, busy = Run.objects.capacity(now)
    return House(
        moment=now,
        lease_seconds=settings.LEASE_SECONDS,
        sweep_seconds=settings.SWEEP_SECONDS,
        attempts=last_good.current().recovery.attempts,
        workers=workers,
        slots=slots,
        busy=busy,
        workspace_problem=problem,
        full_agents=frozenset(Run.objects.full_agents(limits)),
        missing_tools=catalogue.missing() if some_wait else {},
    )
