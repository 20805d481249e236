"""Light, dark, or as the system says: kept in a cookie, so that the first paint is right."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from runtime.web.page import THEMES, safe_next

YEAR = 365 * 24 * 3600


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Sets or clears the choice and goes back to where it was made."""
    response = HttpResponseRedirect(safe_next(request))
    choice = request.POST.get("theme", "")
    if choice in THEMES:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie("theme", choice, max_age=YEAR, httponly=True, samesite="Lax", secure=secure)
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
