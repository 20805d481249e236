"""Addresses: the pages, the API, the admin."""

from __future__ import annotations

from django.urls import include, path

from runtime.admin import site
from runtime.api.api import api

urlpatterns = [
    path("admin/", site.urls),
    path("api/v1/", api.urls),
    path("", include("runtime.api.probes")),
    path("", include("runtime.web.urls")),
]

handler403 = "runtime.web.errors.forbidden"
