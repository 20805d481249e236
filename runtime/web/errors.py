"""The pages for what went wrong: plain, and with a next step. 404.html and 500.html are found by name."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the role is too low."""
    why = str(exception) if isinstance(exception, PermissionDenied) else ""
    return render(request, "403.html", {"why": why}, status=403)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without a valid token, most often from a page that is older than the sign-in."""
    return render(request, "403_csrf.html", {"reason": reason}, status=403)


def not_allowed(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse:
    """405: most often the address of a form, loaded again. A browser would show an empty answer as broken."""
    body = render(request, "405.html").content if request.method == "GET" else b""
    return HttpResponseNotAllowed(methods, body)
