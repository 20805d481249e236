"""Who calls, and whether they may: a bearer token, or the browser's session with its CSRF token."""

from __future__ import annotations

import logging
from typing import NoReturn

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.utils import check_csrf

from runtime import access
from runtime.access import Actor
from runtime.api.problems import Problem

logger = logging.getLogger("runtime.access")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CHALLENGE = 'Bearer realm="agent-harness"'
SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A service account's token, made by `manage.py token NAME --role ROLE`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "harness_session",
        "description": "A signed-in person's browser. Unsafe methods need the CSRF token as X-CSRFToken.",
    },
}


class Needs:
    """Lets an operation through for callers with `role`; its result is the `Actor`.

    Not known who: 401. Known but without any role: 404, as if there were nothing. Role too low: 403.
    """

    def __init__(self, role: str) -> None:
        self.role = role

    def __call__(self, request: HttpRequest) -> Actor:
        header = request.headers.get("Authorization")
        found = _by_session(request) if header is None else _by_token(request, header)
        if not found.may("viewer"):
            _denied(request, found, "has no role")
            raise Problem(404, "There is nothing here for you.")
        if not found.may(self.role):
            _denied(request, found, f"needs the role {self.role}")
            raise Problem(403, f"This needs the role {self.role}.", title="Role too low")
        return found


def actor(request: HttpRequest) -> Actor:
    """The caller that `Needs` has let through."""
    found = request.auth  # type: ignore[attr-defined]
    assert isinstance(found, Actor)
    return found


def _by_token(request: HttpRequest, header: str) -> Actor:
    scheme, _, token = header.partition(" ")
    account = access.find_token(token.strip()) if scheme.lower() == "bearer" else None
    if account is None:
        access.deny(request, "a bad token")
        logger.warning("denied: a bad token from %s for %s", _address(request), _what(request))
        raise Problem(
            401,
            "The token is unknown, expired or revoked.",
            headers={"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'},
        )
    return access.service(account, _address(request))


def _by_session(request: HttpRequest) -> Actor:
    user = request.user
    if not isinstance(user, User):
        _nobody()
    if request.method not in SAFE_METHODS and check_csrf(request) is not None:
        access.deny(request, "no CSRF token, or from another site")
        logger.warning("denied: no CSRF token by %s from %s", user.get_username(), _address(request))
        raise Problem(403, "The CSRF token is missing or wrong, or another site sent this request.")
    return access.person(user, "api", _address(request))


def _nobody() -> NoReturn:
    raise Problem(
        401,
        "This needs `Authorization: Bearer TOKEN`, or a signed-in browser.",
        headers={"WWW-Authenticate": CHALLENGE},
    )


def _denied(request: HttpRequest, found: Actor, why: str) -> None:
    access.deny(request, why, found)
    logger.warning(
        "denied: %s %s from %s %s for %s", found.kind, found.name, found.address, why, _what(request)
    )


def _what(request: HttpRequest) -> str:
    return repr(f"{request.method} {request.path}"[:200])  # repr: a path may contain line breaks


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))[:64]
