"""NUL in an address or a cookie: nothing of ours holds one, and PostgreSQL refuses a statement with one."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.defaults import bad_request

NUL = "\x00"


class NulMiddleware:
    """Outside of whatever reads the session. A page that is not there is 404, an act that cannot be 400."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if NUL in request.path_info:
            raise Http404
        if NUL in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            del request.COOKIES[settings.SESSION_COOKIE_NAME]
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A form's field or a filter with one, where no page looks for it itself."""
        if isinstance(error, DataError) and "NUL" in str(error):
            return bad_request(request, error)
        return None
