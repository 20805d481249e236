"""`/healthz` and `/readyz`, at the root and without a token: what a supervisor or load balancer asks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runtime import catalogue, log
from runtime.journal import schema
from runtime.journal.probe import try_write
from runtime.models import Worker
from runtime.workspace import WorkspaceError

FRESH_SECONDS = 1.0  #: how long a good answer is given again: anyone may ask, and asking writes
BAD_SECONDS = 0.2  #: how long another one is: it took a while, and many may have waited for it
PATIENCE_SECONDS = 1.0  #: for another writer to finish
PATHS = ("/healthz", "/readyz")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `required`: without it this process cannot serve."""

    name: str
    ok: bool
    required: bool
    reason: str
    detail: str = ""  #: for the log: more than strangers are told

    def document(self) -> dict[str, object]:
        """As anyone may see it."""
        return {"name": self.name, "ok": self.ok, "required": self.required, "reason": self.reason}


class AnyHostMiddleware:
    """Who probes may call this machine by any name or address: these two answers show nothing and use no
    host, so none is refused."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info in PATHS:
            request.META["HTTP_HOST"] = "localhost"
        return self.get_response(request)


_lock = threading.Lock()
_said: list[str] = []  #: why this process is not ready, as the log has it
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
    checks = look()
    ready = all(check.ok for check in checks if check.required)
    body = {"ready": ready, "checks": [check.document() for check in checks]}
    return JsonResponse(body, status=200 if ready else 503)


def look() -> list[Check]:
    """What there is to say about this process now; the log has a change once, not each look."""
    with _lock:
        checks = _checks()
        _say([f"{check.name}: {check.detail}" for check in checks if check.required and not check.ok])
    return checks


def _say(problems: list[str]) -> None:
    global _said
    for problem in problems:
        if problem not in _said:
            logger.error("Not ready: %s", problem)
    if _said and not problems:
        logger.warning("Ready again")
    _said = problems


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


def _check(name: str, see: Callable[[], str], *, required: bool = True) -> Check:
    """`see` gives the reason why not, or nothing."""
    detail = ""
    try:
        reason = see()
    except DatabaseError as error:
        reason = f"the database cannot be used ({type(error).__name__})"
        detail = f"the database cannot be used: {log.first_line(error)}"
    except WorkspaceError as error:
        reason = f"the workspace has problems: {len(error.problems)}"  # which ones is not for strangers
        detail = "; ".join(map(str, error.problems))
    return Check(name, not reason, required, reason or "fine", detail or reason)


def _database() -> Check:
    def see() -> str:
        if fault := schema.mismatch():  # first: nothing is tried in somebody else's records
            return f"the database {fault.rstrip('.')}"
        try_write(PATIENCE_SECONDS)
        return ""

    return _check("database", see)


def _migrations() -> Check:
    def see() -> str:
        global _migrated
        if not _migrated:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return "" if _migrated else "migrations are missing; run `manage.py migrate`"

    return _check("migrations", see)


def _workspace() -> Check:
    def see() -> str:
        catalogue.current()
        return ""

    return _check("workspace", see)


def _worker() -> Check:
    def see() -> str:
        return "" if Worker.objects.alive(datetime.now(UTC)).exists() else "no worker is running"

    return _check("worker", see, required=False)


urlpatterns = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
