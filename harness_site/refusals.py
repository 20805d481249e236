"""Answers to requests that never come to Django: below /api/ a problem, else a page. No middleware adds their
headers."""

from __future__ import annotations

from django.http import HttpResponse


def unread(path: str, status: int, title: str, detail: str) -> HttpResponse:
    """413, 408: the body was not read to its end."""
    from runtime.api import problems
    from runtime.web import errors

    if path.startswith(problems.BELOW):
        return _guarded(problems.Problem(status, detail, title=title).answer())
    return _guarded(errors.unread(status, title, detail))


def away(path: str) -> HttpResponse:
    """503: what a locked database is answered with."""
    from runtime.api import problems
    from runtime.web import errors

    if path.startswith(problems.BELOW):
        return _guarded(problems.away().answer())
    return _guarded(errors.away())


def _guarded(answer: HttpResponse) -> HttpResponse:
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    return answer
