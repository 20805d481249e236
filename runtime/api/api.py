"""The API as a whole: one instance, its routers, its way to write JSON."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import orjson
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.renderers import JSONRenderer

from runtime.api import (
    approvals,
    artifacts,
    events,
    health,
    listings,
    maintenance,
    openapi,
    problems,
    runs,
    threads,
)
from runtime.api.auth import Needs
from runtime.api.docs import Docs
from runtime.api.strict import StrictParser

DESCRIPTION = """
Start LLM-agent runs, follow them, decide what they may do.

Times are ISO 8601 in UTC, ids are opaque. Lists have `limit` (1 to 200) and an opaque `cursor`. Bodies are
JSON without unknown fields. Every error is `application/problem+json`.
"""


class Renderer(JSONRenderer):
    """JSON by orjson."""

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> Any:
        try:
            return orjson.dumps(data)
        except TypeError:
            # Half a surrogate pair in a text of old: orjson refuses it, JSON can escape it.
            return json.dumps(data)


class Api(NinjaAPI):
    """Ninja with a complete document, made once."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return _document(self, path_prefix)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


@cache
def _document(made: Api, path_prefix: str | None) -> OpenAPISchema:
    document = NinjaAPI.get_openapi_schema(made, path_prefix=path_prefix)
    openapi.complete(document)
    return document


api = Api(
    title="Agent Harness",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs=Docs(),
    auth=Needs("viewer"),
    parser=StrictParser(),
    renderer=Renderer(),
)
problems.install(api)
api.add_router("/runs", runs.router)
api.add_router("/runs", events.router)
api.add_router("", artifacts.router)
api.add_router("/threads", threads.router)
api.add_router("/approvals", approvals.router)
api.add_router("", listings.router)
api.add_router("", health.router)
api.add_router("/maintenance", maintenance.router)
