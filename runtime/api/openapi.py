"""The OpenAPI document: what ninja makes of the routers, completed by errors, security and examples."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

from runtime import outage
from runtime.api.auth import SCHEMES
from runtime.api.problems import MEDIA_TYPE

PROBLEM = "#/components/schemas/Problem"
EXAMPLES = {
    400: "The text is not valid JSON: Expecting value at line 1, column 1.",
    401: "The token is unknown, expired or revoked.",
    403: "This needs the role reviewer.",
    404: "There is no run 0198c0de-7a11-7c3e-9d2f-4b1a6e5c7d80.",
    409: "rene decided reject at 2026-01-31T12:00:00.000000Z.",
    413: "The request's body is longer than 1048576 bytes.",
    415: "The body must be JSON, sent as Content-Type: application/json.",
    422: "limit: Input should be less than or equal to 200.",
    429: "Too many streams are open; close some.",
    503: outage.AWAY.sentence,
    507: outage.FULL.sentence,
}


class ProblemRecord(BaseModel):
    """An error: what every answer from 400 on looks like."""

    title: str
    status: int
    detail: str = Field(description="One sentence.")
    errors: dict[str, str] = Field(description="A sentence for each field that is wrong.")


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document with everything that ninja does not know."""
    schema = ProblemRecord.model_json_schema()
    components = document["components"]
    components["schemas"]["Problem"] = schema | {"title": "Problem", "additionalProperties": True}
    components["securitySchemes"] = SCHEMES
    document["security"] = [{name: []} for name in SCHEMES]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                _without_null(parameter["schema"])
            statuses = _statuses(path, method, operation)
            operation["responses"] |= {status: _error(status) for status in statuses}
    return document


def _statuses(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    """Which errors a call can have."""
    found = [401, 404, 503, 507]
    if operation.get("parameters"):
        found.append(422)
    if method == "post":
        found += [400, 403, 409, 413, 415, 422]
    if method == "delete":
        found += [403, 409]
    if path.endswith("/stream"):
        found.append(429)
    return sorted(set(found))


def _without_null(schema: dict[str, Any]) -> None:
    """A parameter is left out, never null: `anyOf` of a type and null becomes the type."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema.update(kinds[0])
        schema.pop("default", None)


def _error(status: int) -> dict[str, Any]:
    title = HTTPStatus(status).phrase.capitalize()
    example = {"title": title, "status": status, "detail": EXAMPLES[status], "errors": {}}
    return {
        "description": title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": PROBLEM}, "example": example}},
    }
