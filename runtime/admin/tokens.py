"""Service accounts: what their tokens begin with, what they may, when they were used; and refusing one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from runtime import access
from runtime.admin.readable import column, labelled, record_link, time_column
from runtime.admin.record import RecordAdmin
from runtime.admin.site import address_of, site
from runtime.models import ServiceAccount, TokenAct


def standing(account: ServiceAccount) -> str:
    """Whether its token opens anything."""
    if account.revoked_at is not None:
        return "revoked"
    if account.expires_at is not None and account.expires_at <= timezone.now():
        return "expired"
    return "live"


@admin.register(ServiceAccount, site=site)
class ServiceAccountAdmin(RecordAdmin):
    """Read-only but for one act: its token can be revoked. New tokens come from `manage.py token`."""

    list_display = (
        "name",
        column("token_prefix", "Token begins with"),
        labelled("Roles", lambda account: ", ".join(account.roles)),
        labelled("Token", standing),
        time_column("last_used_at", "Last use"),
        time_column("created_at"),
        time_column("expires_at"),
    )
    listed = ("roles",)
    search_fields = ("name", "token_prefix")
    search_help_text = "A name, or the beginning of a token."
    ordering = ("name",)
    hidden = ("token_hash",)
    named_by = "name"
    beside = ((TokenAct, "account__exact"),)

    def get_urls(self) -> list[URLPattern]:
        revoke = self.admin_site.admin_view(self.revoke_view)
        return [path("<path:object_id>/revoke/", revoke, name="revoke_token"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        account = self.get_object(request, unquote(object_id))
        live = account is not None and account.revoked_at is None
        known = {"revocable": live, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, known)

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET asks once more; POST refuses the token from now on."""
        account = self.get_object(request, unquote(object_id))
        if account is None:
            raise Http404("There is no such service account.")
        if request.method == "POST":
            self._revoke(request, account)
            return HttpResponseRedirect(reverse("admin:runtime_serviceaccount_change", args=[account.pk]))
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        ctx = {
            **self.admin_site.each_context(request),
            "title": "Revoke a token",
            "opts": self.opts,
            "account": account,
            "standing": standing(account),
        }
        return TemplateResponse(request, "admin/runtime/serviceaccount/revoke.html", ctx)

    def _revoke(self, request: HttpRequest, account: ServiceAccount) -> None:
        by = access.person(request.user, "page", address_of(request))
        if access.revoke_token(account.name, by=by):
            self.log_change(
                request, account, f"Token {account.token_prefix}… revoked. From {address_of(request)}."
            )
            messages.success(request, f"The token of {account.name} is refused from now on.")
        else:
            messages.warning(request, f"The token of {account.name} had been revoked already.")


@admin.register(TokenAct, site=site)
class TokenActAdmin(RecordAdmin):
    """Who made, replaced and revoked tokens; append-only."""

    list_display = (
        time_column("done_at", "When"),
        labelled("Account", lambda act: record_link(ServiceAccount, act.account_id, act.account.name)),
        "act",
        column("roles_before"),
        column("roles_after"),
        column("done_by"),
        column("source"),
        column("address", "From"),
    )
    list_filter = ("done_at",)
    narrowed_by = ("account__exact",)
    list_select_related = ("account",)
    search_fields = ("account__name", "done_by")
    search_help_text = "A service account, or who did it."
    ordering = ("-id",)
