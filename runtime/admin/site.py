"""The admin site: who may enter, and how it presents itself."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.apps import apps as registry
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from runtime import access

HEADINGS = {"runtime": "Records", "auth": "People", "admin": "Changes by administrators"}
for label, heading in HEADINGS.items():
    registry.get_app_config(label).verbose_name = heading

COMING_IN = {"ServiceAccount", "SignInLink"}  #: beside the people


def address_of(request: HttpRequest) -> str:
    """Where a request comes from."""
    return str(request.META.get("REMOTE_ADDR", ""))


class HarnessSite(AdminSite):
    """For administrators only: a role or a superuser's flag, never the `is_staff` of Django."""

    site_header = "Agent Harness"
    site_title = "Agent Harness"
    index_title = "Records and people"
    empty_value_display = "–"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether an administrator asks; worked out once for a request."""
        known: bool | None = getattr(request, "is_administrator", None)
        if known is None:
            actor = access.person(request.user, "page", address_of(request))
            known = actor.may("administrator")
            request.is_administrator = known  # type: ignore[attr-defined]
        return known

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Nobody signed in: to the sign-in page. Anyone else who may not: 404, as if there were nothing."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not self.has_permission(request):
                access.deny(request, "needs the role administrator")
                if not request.user.is_authenticated:
                    return redirect_to_login(request.get_full_path(), reverse("sign_in"))
                raise Http404
            return inner(request, *args, **kwargs)

        return guarded

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way in: throttle, one-time links and looks are those of the sign-in page."""
        return HttpResponseRedirect(reverse("sign_in", query=request.GET))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """In the order of registration, which is the order of the story; whoever may come in first."""
        apps = self._build_app_dict(request, app_label)
        if "auth" in apps and "runtime" in apps:
            theirs = [entry for entry in apps["runtime"]["models"] if entry["object_name"] in COMING_IN]
            apps["auth"]["models"] += theirs
            apps["runtime"]["models"] = [e for e in apps["runtime"]["models"] if e not in theirs]
        return list(apps.values())


site = HarnessSite(name="admin")
