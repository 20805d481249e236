"""The rows of the worker processes: who is there, since when, last heard of when."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime

from runtime.journal.probe import clock_offset
from runtime.models import Worker
from runtime.models.base import new_id


def enter(*, slots: int, version: str) -> str:
    """Writes the row of this process; gives its worker id."""
    host = socket.gethostname()
    worker_id = f"{host}-{os.getpid()}-{new_id()[-6:]}"
    Worker.objects.create(worker_id=worker_id, host=host, pid=os.getpid(), version=version, slots=slots)
    return worker_id


def beat(worker_id: str, *, sandbox: str, queue: str = "") -> None:
    """Says that the worker is alive, and what it knows of its sandbox and the queue (as in `Worker`)."""
    offset = clock_offset()
    Worker.objects.filter(pk=worker_id).update(
        heartbeat_at=datetime.now(UTC), clock_offset=offset, sandbox=sandbox, queue=queue
    )


def bury(pids: Iterable[int]) -> list[str]:
    """Notes that processes of this host are known to have ended; gives their worker ids."""
    dead = Worker.objects.filter(host=socket.gethostname(), pid__in=list(pids), stopped_at__isnull=True)
    found = list(dead.values_list("worker_id", flat=True))
    Worker.objects.filter(pk__in=found).update(stopped_at=datetime.now(UTC))
    return found


def leave(worker_id: str) -> None:
    """Says that the worker ended in order: it is heard of at its end."""
    now = datetime.now(UTC)
    Worker.objects.filter(pk=worker_id).update(heartbeat_at=now, stopped_at=now)
