"""Looks at the things themselves: one short read for each check, no judgement."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from runtime import catalogue, log, reserve
from runtime.journal import probe
from runtime.models import Approval, MaintenancePass, Run, Worker
from runtime.models.maintenance import KINDS
from runtime.models.worker import WORKS
from runtime.upkeep import last_good
from runtime.upkeep.health.readings import Calls, Disk, Heard, Queue, Shells, Store, Waiting, Written
from runtime.upkeep.health.tallies import Tallies, recent_calls
from runtime.upkeep.health.verdicts import CHECKS, Status, Verdict
from runtime.workspace import WorkspaceError
from runtime.workspace.health import Health

EXHAUSTED_FOR = timedelta(days=1)
SWEEPS = 2  #: a lost run is taken up by the next sweep, or by the one after it


@dataclass(frozen=True, slots=True)
class Scene:
    """When it is looked, by whose limits, and what was counted so far."""

    now: datetime
    health: Health
    tallies: Tallies


def verdicts(scene: Scene) -> dict[str, Verdict]:
    """What every check says. What cannot be looked at is unknown; nothing is raised."""
    found: dict[str, Verdict] = {}
    unreadable = False
    for check in CHECKS:
        try:
            if unreadable and check.name not in WITHOUT_DATABASE:
                raise DatabaseError
            found[check.name] = check.judge(LOOKS[check.name](scene), scene.health)
        except DatabaseError:
            unreadable = True
            found[check.name] = Verdict(Status.UNKNOWN, "The database cannot be read.")
        except OSError as error:
            found[check.name] = Verdict(Status.UNKNOWN, f"It cannot be looked at: {error.strerror}.")
    return found


def database(scene: Scene) -> Written:
    patience = scene.health.database_seconds.unhealthy
    try:
        return Written(probe.try_write(patience))
    except DatabaseError as error:
        return Written(patience, log.first_line(error))


def workers(scene: Scene) -> Heard:
    newest = Worker.objects.last_heard_of()
    present = Worker.objects.alive(scene.now).count()
    return Heard(present, None if newest is None else _age(scene, newest))


def queue(scene: Scene) -> Queue:
    since = Run.objects.queued_longest(scene.now)
    waiting = Waiting(Run.objects.all().count_queued(), None if since is None else _age(scene, since))
    said = Worker.objects.alive(scene.now).exclude(queue="").values_list("worker_id", "queue")
    return Queue(waiting, tuple(said))


def stuck_runs(scene: Scene) -> int:
    patience = SWEEPS * settings.SWEEP_SECONDS
    return Run.objects.stuck(scene.now.timestamp(), settings.LEASE_SECONDS, patience)


def approvals(scene: Scene) -> Waiting:
    since = Approval.objects.pending_since()
    return Waiting(Approval.objects.count_pending(), None if since is None else _age(scene, since))


def recoveries(scene: Scene) -> int:
    return Run.objects.exhausted(scene.now - EXHAUSTED_FOR)


def disk(scene: Scene, statvfs: Callable[[Path], os.statvfs_result] = os.statvfs) -> Disk:
    found = statvfs(settings.DATA_DIR)
    # As `df` has it: what is kept back for root counts neither as free nor as used.
    reachable = found.f_blocks - found.f_bfree + found.f_bavail
    percent = 100.0 * found.f_bavail / reachable if reachable else 100.0
    return Disk(percent, reserve.is_spent(settings.DATA_DIR))


def maintenance(scene: Scene) -> tuple[str, float] | None:
    found = []
    for kind in KINDS:
        policy = getattr(last_good.current().maintenance, kind)
        since = MaintenancePass.objects.done_until(kind)
        if policy.enabled and since is not None:
            found.append((kind, _age(scene, since) / policy.every_seconds))
    return max(found, key=lambda each: each[1], default=None)


def workspace(scene: Scene) -> tuple[str, ...]:
    try:
        catalogue.current()
    except WorkspaceError as error:
        return tuple(str(problem) for problem in error.problems)
    return ()


def sandbox(scene: Scene) -> Shells:
    said = list(Worker.objects.alive(scene.now).values_list("worker_id", "sandbox"))
    off = tuple((worker, why) for worker, why in said if why not in ("", WORKS))
    return Shells(sum(why == WORKS for _, why in said), off)


def version(scene: Scene) -> Store:
    return Store(probe.store_name(), probe.store_is_defective())


def clock(scene: Scene) -> tuple[str, float] | None:
    offsets = Worker.objects.alive(scene.now).values_list("worker_id", "clock_offset")
    return max(offsets, key=lambda found: abs(found[1]), default=None)


def providers(scene: Scene) -> tuple[Calls, ...]:
    """Of the models that there are: nobody can mend what is configured no more."""
    models = last_good.current().models.values()
    return recent_calls(scene.tallies, {model.model or model.provider for model in models})


def _age(scene: Scene, moment: datetime) -> float:
    return max(0.0, (scene.now - moment).total_seconds())


LOOKS: Mapping[str, Callable[[Scene], Any]] = {
    "database": database,
    "workers": workers,
    "queue": queue,
    "stuck_runs": stuck_runs,
    "approvals": approvals,
    "providers": providers,
    "recoveries": recoveries,
    "disk": disk,
    "maintenance": maintenance,
    "workspace": workspace,
    "sandbox": sandbox,
    "database_version": version,
    "clock": clock,
}
WITHOUT_DATABASE = {"database", "providers", "disk", "workspace"}
