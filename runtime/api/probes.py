"""`/healthz` and `/readyz`, at the root and without a token: what a supervisor or load balancer asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runtime import catalogue
from runtime.journal import schema
from runtime.journal.probe import try_write
from runtime.models import Worker
from runtime.workspace import WorkspaceError

FRESH_SECONDS = 1.0  #: how long a good answer is given again: anyone may ask, and asking writes
BAD_SECONDS = 0.2  #: how long another one is: it took a while, and many may have waited for it
PATIENCE_SECONDS = 1.0  #: for another writer to finish


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `required`: without it this process cannot serve."""

    name: str
    ok: bool
    required: bool
    reason: str


_lock = threading.Lock()
_migrated = False
_last: list[Check] = []
_fresh_until = 0.0


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when this process can serve, else 503; each check with its reason.

    A worker is reported and not required: without one the pages work, and runs wait in the queue.
    """
    with _lock:
        checks = _checks()
    ready = all(check.ok for check in checks if check.required)
    body = {"ready": ready, "checks": [asdict(check) for check in checks]}
    return JsonResponse(body, status=200 if ready else 503)


def forget() -> None:
    """Lets the next question be answered anew."""
    global _fresh_until
    _fresh_until = 0.0


def _checks() -> list[Check]:
    global _last, _fresh_until
    if time.monotonic() >= _fresh_until:
        _last = [_database(), _migrations(), _workspace(), _worker()]
        good = all(check.ok for check in _last)
        _fresh_until = time.monotonic() + (FRESH_SECONDS if good else BAD_SECONDS)
    return _last


def _check(name: str, look: Callable[[], str], *, required: bool = True) -> Check:
    """`look` gives the reason why not, or nothing."""
    try:
        reason = look()
    except DatabaseError as error:
        reason = f"the database cannot be used ({type(error).__name__})"
    return Check(name, not reason, required, reason or "fine")


def _database() -> Check:
    def look() -> str:
        if fault := schema.mismatch():  # first: nothing is tried in somebody else's records
            return f"the database {fault.rstrip('.')}"
        try_write(PATIENCE_SECONDS)
        return ""

    return _check("database", look)


def _migrations() -> Check:
    def look() -> str:
        global _migrated
        if not _migrated:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return "" if _migrated else "migrations are missing; run `manage.py migrate`"

    return _check("migrations", look)


def _workspace() -> Check:
    def look() -> str:
        try:
            catalogue.current()
        except WorkspaceError as error:
            return f"the workspace has problems: {len(error.problems)}"  # which ones is not for strangers
        return ""

    return _check("workspace", look)


def _worker() -> Check:
    def look() -> str:
        return "" if Worker.objects.alive(datetime.now(UTC)).exists() else "no worker is running"

    return _check("worker", look, required=False)


urlpatterns = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
