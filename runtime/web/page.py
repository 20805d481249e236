"""What every page shares: who asks and whether they may, and what every template knows.

    @page()                       GET, for everyone who may see anything
    @act("operator")              POST only, for that role; for one of several: @act("operator", "reviewer")

Nobody signed in: see `signed_out`. No role at all: 404, as if there were nothing.
A role too low for an act: 403.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from runtime import access, actions
from runtime.lifecycle import RunState
from runtime.models import Event, counters
from runtime.web import errors, signed_out
from runtime.web.signed_out import READING

THEMES = ("light", "dark")


class PageRequest(HttpRequest):
    """A request that passed `page` or `act`."""

    actor: access.Actor


View = Callable[..., HttpResponseBase]


def page(*roles: str, methods: tuple[str, ...] = READING) -> Callable[[View], View]:
    """Lets a view see `request.actor`, a signed-in person with one of the roles; by default who may read."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in methods:
                return errors.not_allowed(request, methods)
            if not request.user.is_authenticated:
                access.deny(request, "not signed in")
                return signed_out.answer(request)
            actor = actor_of(request)
            if not actor.may("viewer"):
                access.deny(request, "has no role")
                raise Http404
            if roles and not any(actor.may(role) for role in roles):
                wanted = " or ".join(roles)
                access.deny(request, f"needs the role {wanted}")
                raise PermissionDenied(f"This needs the role {wanted}.")
            request.actor = actor  # type: ignore[attr-defined]
            try:
                response = view(request, *args, **kwargs)
            except actions.NotFound as error:
                raise Http404(error.detail) from error
            patch_cache_control(response, private=True, no_cache=True)
            patch_vary_headers(response, ["Cookie"])
            return response

        guarded.methods = methods  # type: ignore[attr-defined]
        return guarded

    return decorate


def act(*roles: str) -> Callable[[View], View]:
    """`page` for something that is done: POST only."""
    return page(*roles, methods=("POST",))


def not_kept(response: HttpResponse) -> HttpResponse:
    """An answer that no browser keeps, not even to go back to."""
    patch_cache_control(response, no_store=True)
    return response


def actor_of(request: HttpRequest) -> access.Actor:
    """The signed-in person; worked out once for a request."""
    found: access.Actor | None = getattr(request, "actor", None)
    if found is None:
        assert request.user.is_authenticated
        found = access.person(request.user, "page", str(request.META.get("REMOTE_ADDR", "")))
        request.actor = found  # type: ignore[attr-defined]
    return found


def safe_next(request: HttpRequest, fallback: str = "/") -> str:
    """Where to go on: the `next` of the form or address when it is a path of ours, else `fallback`."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts=None, require_https=request.is_secure()
    )
    return wanted if ours else fallback


def live_context() -> dict[str, Any]:
    """What a page needs that follows the doorbell. To be asked for before anything that the page shows is
    read: the stream rings at once for what came in between."""
    return {"live": True, "live_after": Event.objects.newest_id()}


def context(request: HttpRequest) -> dict[str, Any]:
    """The context processor of every template."""
    theme = request.COOKIES.get("theme", "")
    known: dict[str, Any] = {"theme": theme if theme in THEMES else ""}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return known
    actor, counts = actor_of(request), cache(counters.counts)
    known["role_names"] = ", ".join(sorted(actor.roles))
    if not actor.may("viewer"):
        return known
    return known | {
        "actor": actor,
        "may_operate": actor.may("operator"),
        "may_decide": actor.may("reviewer"),
        "may_administer": actor.may("administrator"),
        # Functions: templates without a navigation bar do not ask the database, the others ask once.
        "pending_count": lambda: counts()[counters.PENDING],
        "doubt_count": lambda: counts()[RunState.IN_DOUBT],
    }
