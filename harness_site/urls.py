"""Addresses: the pages, the API, the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from runtime.api.api import api

urlpatterns = [
    # One way in: the throttle, the one-time links and the looks are those of the sign-in page.
    path("admin/login/", RedirectView.as_view(pattern_name="sign_in", query_string=True)),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("", include("runtime.api.probes")),
    path("", include("runtime.web.urls")),
]

handler403 = "runtime.web.errors.forbidden"
