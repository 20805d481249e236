"""The pages for what went wrong: plain, and with a next step. 404.html is found by name."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.template.loader import render_to_string

from runtime import access, actions, outage
from runtime.web import security, signed_out


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the role is too low."""
    why = str(exception) if isinstance(exception, PermissionDenied) else ""
    return render(request, "403.html", {"why": why}, status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """500: our mistake. 503 and 507: the records cannot be used for now, or there is no room."""
    error = sys.exc_info()[1]
    found = outage.FULL if isinstance(error, actions.NoRoom) else outage.of(error)
    # Without a context: who is signed in, for one, stands in the records.
    body = render_to_string("500.html", {"outage": found})
    if found is None:
        return HttpResponse(body, status=500)
    return HttpResponse(body, status=found.status, headers={"Retry-After": str(found.retry_seconds)})


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without a valid token, most often from a page that is older than the sign-in."""
    access.deny(request, reason or "no CSRF token")
    ctx = {"reason": reason, "typed": signed_out.typed(request.POST) if _is_from_here(request) else []}
    return render(request, "403_csrf.html", ctx, status=403)


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a page of ours sent the form: no other site puts words on this one."""
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse:
    """405: most often the address of a form, loaded again. A browser would show an empty answer as broken."""
    body = render(request, "405.html").content if request.method == "GET" else b""
    return HttpResponseNotAllowed(methods, body)


def unread(status: int, title: str, detail: str) -> HttpResponse:
    """413, 408: the body was not read to its end."""
    ctx = {"title": title, "detail": detail, "late": status == 408}
    return _outside(render_to_string("errors/unread.html", ctx), status)


def away() -> HttpResponse:
    """503: so many wait for the records already that one more is not let in."""
    body = render_to_string("500.html", {"outage": outage.AWAY})
    answer = _outside(body, outage.AWAY.status)
    answer["Retry-After"] = str(outage.AWAY.retry_seconds)
    return answer


def _outside(body: str, status: int) -> HttpResponse:
    """An answer to a request that never came to Django, so that no middleware adds its headers."""
    headers = {
        "Content-Length": str(len(body.encode())),
        security.HEADER: security.build_policy(settings.SECURE_CSP),
        "Referrer-Policy": str(settings.SECURE_REFERRER_POLICY),
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
    }
    return HttpResponse(body, status=status, headers=headers)
