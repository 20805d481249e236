"""`/docs`: Swagger UI from our own static files, under the strict Content-Security-Policy."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase


class Docs(DocsBase):
    """The page; it reads the document by itself."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return render(request, "docs/docs.html", {"api": api, "document": self.get_openapi_url(api, kwargs)})
