"""The sign-in throttle: django-axes' count for each name and address, and one for each address as a whole.

The first stops guessing at one person's password, the second guessing at everybody's from one place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_failure_limit
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest

#: A password is counted when it was found to be wrong, so what comes from one address is tried one after the
#: other. Two addresses that share a place here only wait for each other.
_places = tuple(threading.Lock() for _ in range(64))
PLACE_SECONDS = 5.0


@contextmanager
def one_at_a_time(request: HttpRequest) -> Iterator[bool]:
    """Holds the place of the request's address; False when it did not come free in time."""
    place = _places[hash(request.META.get("REMOTE_ADDR", "")) % len(_places)]
    free = place.acquire(timeout=PLACE_SECONDS)
    try:
        yield free
    finally:
        if free:
            place.release()


class Throttle(AxesDatabaseHandler):  # type: ignore[misc]
    """Named in the settings as AXES_HANDLER."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Wrong passwords for this name from here; as many as close it when the address has had too many."""
        failures: int = super().get_failures(request, credentials)
        if from_here(request) >= settings.ADDRESS_FAILURE_LIMIT:
            return max(failures, int(get_failure_limit(request, credentials)))
        return failures


def from_here(request: HttpRequest) -> int:
    """Wrong passwords from the request's address, for whatever name."""
    lately = AccessAttempt.objects.filter(
        ip_address=request.axes_ip_address,  # type: ignore[attr-defined]
        attempt_time__gte=get_cool_off_threshold(request),
    )
    failures: int | None = lately.aggregate(failures=Sum("failures_since_start"))["failures"]
    return failures or 0
