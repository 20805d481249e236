"""Addresses: the pages, the API, the admin."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    # One way in: the throttle, the one-time links and the looks are those of the sign-in page.
    path("admin/login/", RedirectView.as_view(pattern_name="sign_in", query_string=True)),
    path("admin/", admin.site.urls),
]
if find_spec("runtime.api") and find_spec("runtime.api.api"):
    urlpatterns.append(path("api/v1/", import_module("runtime.api.api").api.urls))
    urlpatterns.append(path("", include("runtime.api.probes")))
if find_spec("runtime.web.urls"):
    urlpatterns.append(path("", include("runtime.web.urls")))
