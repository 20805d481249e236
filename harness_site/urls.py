"""Addresses: the pages, the API, the admin."""

from __future__ import annotations

from django.urls import include, path

from runtime.admin import site
from runtime.api.api import api
from runtime.api.metrics import metrics
from runtime.web.live import open_streams

urlpatterns = [
    path("admin/", site.urls),
    path("api/v1/", api.urls),
    path("", include("runtime.api.probes")),
    path("metrics", metrics, {"open_streams": open_streams}, name="metrics"),
    path("", include("runtime.web.urls")),
]

handler403 = "runtime.web.errors.forbidden"
handler500 = "runtime.web.errors.broken"
