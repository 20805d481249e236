"""Notes every act that was refused because of who asked: pages, API and admin alike.

What only reads is not noted, nor is what any state of a run would refuse. A flood fills no disk: so many rows
an hour for one name and address, so many for all together; the next row says how many were left out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase

from runtime import access, journal

logger = logging.getLogger("runtime.access")

READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
REFUSED = frozenset({401, 403, 429})
HOUR = 3600.0
OF_ONE = 20  #: rows an hour
OF_ALL = 300


class Ration:
    """Which denials are kept, in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._kept: Counter[tuple[str, str]] = Counter()
        self._left_out = 0

    def take(self, who: tuple[str, str]) -> int | None:
        """How many were left out since the last one that was kept; None: leave this one out, too."""
        with self._lock:
            if self._clock() - self._began >= HOUR:
                self._began = self._clock()
                self._kept.clear()
            if self._kept[who] >= OF_ONE or self._kept.total() >= OF_ALL:
                self._left_out += 1
                return None
            self._kept[who] += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


class DenialMiddleware:
    """Inside of the one that knows the person; sees every answer of a view, and every refusal before one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.ration = Ration()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method not in READING:
            denied = access.denied(request)
            if denied is None and response.status_code in REFUSED:
                denied = access.Denied(response.reason_phrase)
            if denied is not None:
                self._note(request, denied, response.status_code)
        return response

    def _note(self, request: HttpRequest, denied: access.Denied, status: int) -> None:
        kind, name = denied.kind, denied.name
        if not kind and request.user.is_authenticated:
            kind, name = "person", request.user.get_username()
        address = str(request.META.get("REMOTE_ADDR", ""))[:64]
        left_out = self.ration.take((name, address))
        if left_out is None:
            return
        try:
            journal.note_denial(
                kind=kind,
                name=name,
                address=address,
                method=str(request.method),
                path=request.path,
                status=status,
                reason=denied.reason,
                left_out=left_out,
            )
        except DatabaseError as error:  # the refusal itself stands
            logger.warning("A denial was not noted: %s", error)
