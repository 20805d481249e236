"""Maintenance: whose turn it is, what a pass would remove, and the pass itself."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from runtime import catalogue
from runtime.journal import maintenance, release
from runtime.models import MaintenancePass
from runtime.models.maintenance import KINDS
from runtime.upkeep import checkpoints, records
from runtime.upkeep.progress import Progress, Stopped
from runtime.workspace import WorkspaceError

LEASES = 4  #: a turn is kept for so many leases of a run
STOPPED = "The worker was stopped; the next pass goes on."
_ROOMS: dict[str, Any] = {"checkpoints": checkpoints, "records": records}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preview:
    """What a pass would remove now, and what would stay, by reason."""

    kind: str
    found: dict[str, int]
    kept: dict[str, dict[str, int]]


def retention(kind: str) -> Any:
    """What the workspace keeps of a kind. Raises WorkspaceError."""
    return getattr(catalogue.current().workspace.retention, kind)


def _passes(kind: str) -> Any:
    """When the workspace wants passes of a kind. Raises WorkspaceError."""
    return getattr(catalogue.current().workspace.maintenance, kind)


def preview(kind: str) -> Preview:
    """Counts, and changes nothing."""
    room = _ROOMS[kind]
    now = room.limits(catalogue.current().workspace, datetime.now(UTC))
    return Preview(kind, room.found(now), room.kept(now))


def overview() -> list[dict[str, Any]]:
    """Every kind: `kind`, `enabled`, `next_at`, `wanted_by`, `under_way`, and its preview."""
    kinds = []
    for kind in KINDS:
        rules = _passes(kind)
        turn = maintenance.next_turn(kind, timedelta(seconds=rules.every_seconds))
        kinds.append(
            {
                "enabled": rules.enabled,
                "next_at": turn.next_at,
                "wanted_by": turn.wanted_by,
                "under_way": turn.is_taken(datetime.now(UTC)),
                **asdict(preview(kind)),
            }
        )
    return kinds


def dry_run(kind: str, *, requested_by: str) -> MaintenancePass:
    """A pass that only counts, with a row that says so."""
    started_at = datetime.now(UTC)
    seen = preview(kind)
    return maintenance.note_dry_run(
        kind,
        started_at=started_at,
        requested_by=requested_by,
        made_by=_this_process(),
        done_json=seen.found,
        kept_json=seen.kept,
    )


def maintain(stopping: Callable[[], bool]) -> None:
    """Makes the passes that are due; what hinders it is said in the log, and it is tried again."""
    try:
        for kind in KINDS:
            if _passes(kind).enabled or _is_wanted(kind):
                run_pass(kind, stopping=stopping)
    except WorkspaceError as error:
        logger.warning("Maintenance waits, the workspace is broken: %s", error)
    except DatabaseError as error:
        logger.warning("Maintenance waits, the records cannot be used: %s", error)
        connection.close()
    finally:
        release()


def run_pass(
    kind: str, *, requested_by: str | None = None, stopping: Callable[[], bool] = lambda: False
) -> MaintenancePass | None:
    """One pass; None when it is not due (unless somebody requests it), or when another is under way."""
    rules = _passes(kind)
    every = timedelta(seconds=rules.every_seconds)
    turn = maintenance.next_turn(kind, every)
    now = datetime.now(UTC)
    if turn.is_taken(now) or (requested_by is None and turn.next_at > now):
        return None  # without writing anything
    lease = timedelta(seconds=settings.LEASE_SECONDS * LEASES)
    current = maintenance.take_turn(kind, made_by=_this_process(), lease=lease, requested_by=requested_by)
    if current is None:
        return None
    progress = Progress(current, lease, stopping)
    room, error = _ROOMS[kind], ""
    try:
        limits = room.limits(catalogue.current().workspace, current.started_at)
        room.work(limits, progress)
    except Stopped:
        error = STOPPED
    except maintenance.TurnLost as lost:
        logger.warning("%s", lost)
        return None
    except Exception as failure:
        logger.exception("The %s maintenance failed; the next one goes on.", kind)
        error = f"{type(failure).__name__}: {failure}".splitlines()[0][:500]
    next_at = datetime.now(UTC) if error == STOPPED else current.started_at + every
    kept = {} if error else room.kept(limits)
    maintenance.end_turn(
        current,
        done=dict(progress.done),
        kept=kept,
        next_at=next_at,
        error=error,
        again=error == STOPPED,
    )
    return current


def _is_wanted(kind: str) -> bool:
    """Whether a person asked for a pass that does not come by itself."""
    every = timedelta(seconds=_passes(kind).every_seconds)
    return bool(maintenance.next_turn(kind, every).wanted_by)


def _this_process() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"
