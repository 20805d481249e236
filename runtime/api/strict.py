"""What comes in, taken strictly: JSON without ambiguities, no unknown fields, no unknown query parameters."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.params.models import Param, QueryModel
from ninja.parser import Parser
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from runtime import canonical
from runtime.api.problems import Problem
from runtime.models.base import ID_LENGTH

JSON = "application/json"
EXAMPLE_ID = "0198c0de-7a11-7c3e-9d2f-4b1a6e5c7d80"
ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d", re.ASCII)  # pydantic would also take seconds since 1970
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class StrictParser(Parser):
    """The body of a request: JSON and said to be JSON (a form of another site can send anything else)."""

    def parse_body(self, request: HttpRequest) -> Any:
        charset = (request.content_params or {}).get("charset", "utf-8")
        if request.content_type != JSON or charset.lower().replace("_", "-") not in {"utf-8", "utf8"}:
            raise Problem(415, f"The body must be JSON, sent as Content-Type: {JSON}.")
        if len(request.body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise Problem(413, "The request's body is too long.")
        try:
            return canonical.parse(request.body)
        except canonical.BadJson as error:
            raise Problem(400, str(error), title="Malformed JSON") from error


class Body(BaseModel):
    """A JSON object with these fields and no others; a number is not a text, a text not a number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _StrictQueryModel(QueryModel):
    @classmethod
    def get_request_data(
        cls, request: HttpRequest, api: NinjaAPI, path_params: dict[str, Any]
    ) -> dict[str, Any] | None:
        known = list(cls.__ninja_flatten_map__)  # type: ignore[attr-defined]
        for name, values in request.GET.lists():
            if name not in known:
                meant = get_close_matches(name, known, 1)
                hint = f"did you mean {meant[0]}?" if meant else f"known: {', '.join(known)}."
                _refuse(name[:80], f"There is no such parameter; {hint}")
            if len(values) > 1:
                _refuse(name, "This parameter stands twice.")
            if "\x00" in values[0]:
                _refuse(name, "The text contains a NUL character.")
        data: dict[str, Any] | None = super().get_request_data(request, api, path_params)
        return data


class Query(Param):  # type: ignore[misc]  # (pydantic marks FieldInfo final)
    """Marks a model whose fields are the query parameters. Others, repeated ones and NUL are refused."""

    _model = _StrictQueryModel

    def __init__(self) -> None:
        super().__init__(...)


def _refuse(name: str, sentence: str) -> None:
    raise Problem(422, f"{name}: {sentence}", title="Invalid input", errors={name: sentence})


def _iso(value: Any) -> Any:
    if isinstance(value, str) and not ISO.match(value):
        raise ValueError("An ISO 8601 time with its zone is needed, such as 2026-01-31T12:00:00Z")
    return value


def _sane(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("The time is out of range")
    return moment.astimezone(UTC)  # PostgreSQL knows no zone beyond 16 hours


#: An id that someone sends. A path with one that cannot be is a 404 like any other unknown one.
Id = Annotated[
    str,
    Field(min_length=1, max_length=ID_LENGTH, pattern=r"^[!-~]+$", examples=[EXAMPLE_ID]),
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Moment = Annotated[AwareDatetime, BeforeValidator(_iso), AfterValidator(_sane)]
