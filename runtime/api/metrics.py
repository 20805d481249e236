"""`/metrics`, at the root: Prometheus's metrics, for any token with a role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runtime import access
from runtime.api.auth import CHALLENGE
from runtime.api.exposition import CONTENT_TYPE, render
from runtime.upkeep.metrics import gather

PLAIN = "text/plain; charset=utf-8"


@never_cache
@require_safe
def metrics(request: HttpRequest, open_streams: Callable[[], int]) -> HttpResponse:
    """200 with the metrics, 401 without a live token, 404 for one without a role, 503 when the records cannot
    be read. `open_streams` says how many streams this process serves."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        account = access.find_token(token.strip()) if scheme.lower() == "bearer" else None
        if account is None:
            said = "This needs `Authorization: Bearer TOKEN`.\n"
            return HttpResponse(said, PLAIN, status=401, headers={"WWW-Authenticate": CHALLENGE})
        if not access.service(account, "").may("viewer"):
            return HttpResponse("There is nothing here for you.\n", PLAIN, status=404)
        text = render(gather(datetime.now(UTC), open_streams()))
    except DatabaseError:
        return HttpResponse("The records cannot be read now.\n", PLAIN, status=503)
    return HttpResponse(text, CONTENT_TYPE)
