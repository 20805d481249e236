"""Signing in with name and password or with a one-time link, and signing out."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from runtime import access
from runtime.web import throttle
from runtime.web.page import safe_next

logger = logging.getLogger(__name__)
LONGEST_NAME = User._meta.get_field("username").max_length or 150
LONGEST_LOGGED = 60
LINK_BACKEND = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form; a right password rotates the session and goes on to `next`."""
    target = safe_next(request)
    if request.method != "POST":
        if request.user.is_authenticated:
            return HttpResponseRedirect(target)
        return _form(request, {"next": target})
    name, password = request.POST.get("username", "").strip(), request.POST.get("password", "")
    if not name or not password or "\x00" in name + password:
        problem = "Give your name and your password."
        return _form(request, {"next": target, "username": name, "problem": problem}, 422)
    # A name that no person can have is not looked up: each wrong one leaves a row of the throttle.
    with throttle.one_at_a_time(request) as free:
        if not free:
            return _busy(request, {"next": target, "username": name})
        known = len(name) <= LONGEST_NAME
        user = authenticate(request, username=name, password=password) if known else None
    if user is None:
        _note_refusal(request, name, "a wrong name or password")
        problem = "That name and password do not fit."
        return _form(request, {"next": target, "username": name, "problem": problem}, 422)
    assert isinstance(user, User)
    login(request, user)
    return HttpResponseRedirect(target)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows one button and uses nothing up, so a prefetch is harmless; the button signs in, once."""
    if request.method != "POST":
        gone = access.find_sign_in_link(token) is None
        return render(request, "sign_in/link.html", {"gone": gone}, status=410 if gone else 200)
    user = access.redeem_sign_in_link(token)
    if user is None:
        return render(request, "sign_in/link.html", {"gone": True}, status=410)
    # Whoever was signed in here before is not, any more: their session does not become this person's.
    logout(request)
    login(request, user, backend=LINK_BACKEND)
    return HttpResponseRedirect(reverse("board"))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    logout(request)
    return HttpResponseRedirect(reverse("sign_in"))


def locked_out(request: HttpRequest, _response: HttpResponse | None, credentials: Any) -> HttpResponse:
    """The answer when a name, or all of them, are closed for this address for a while (called by the
    throttle)."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    name = str((credentials or {}).get("username") or "")
    problem = f"Too many wrong passwords from here. Try again in {minutes} minutes, or use a sign-in link."
    _note_refusal(request, name, "too many wrong passwords")
    response = _form(request, {"next": safe_next(request), "username": name, "problem": problem}, 429)
    response.headers["Retry-After"] = str(minutes * 60)
    return response


def _busy(request: HttpRequest, ctx: dict[str, Any]) -> HttpResponse:
    problem = "Too many passwords are being tried from here at once. Try again in a moment."
    access.deny(request, "too many passwords at once")
    response = _form(request, {**ctx, "problem": problem}, 429)
    response.headers["Retry-After"] = str(round(throttle.PLACE_SECONDS))
    return response


def _note_refusal(request: HttpRequest, name: str, why: str) -> None:
    """Names the person only if there is one: people type passwords into the wrong field."""
    known = len(name) <= LONGEST_NAME and User.objects.filter(username=name).exists()
    access.deny(request, f"{why}, for {name}" if known else why, tried=name if known else "")
    # One line for each, the address at a fixed place: what watches the log can close it at the gate.
    whom = repr(name[:LONGEST_LOGGED]) if known else "nobody here"
    logger.warning("Sign-in refused from %s as %s: %s", request.META.get("REMOTE_ADDR", "?"), whom, why)


def _form(request: HttpRequest, ctx: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, "sign_in/sign_in.html", ctx, status=status)
