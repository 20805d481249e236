"""Every error of the API as `application/problem+json`: title, detail, status, and `errors` per field."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from runtime import outage
from runtime.actions import NoWorkspace, Refused
from runtime.workspace import WorkspaceError

logger = logging.getLogger("runtime.api")

MEDIA_TYPE = "application/problem+json"
BELOW = "/api/"
KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")

DETAILS = {
    400: "The request is malformed.",
    403: "The request was refused.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    503: outage.AWAY.sentence,
    507: outage.FULL.sentence,
    500: "Something went wrong in the server; its log has the cause.",
}
SENTENCES = {
    "extra_forbidden": "There is no such field.",
    "missing": "This field is required.",
    "model_attributes_type": "A JSON object is needed.",
    "model_type": "A JSON object is needed.",
}


class Problem(Exception):
    """An answer that is an error; `extra` adds members to it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str = "",
        errors: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.title = title or HTTPStatus(status).phrase.capitalize()
        self.errors = dict(errors or {})
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def answer(self) -> HttpResponse:
        """The response."""
        body: dict[str, Any] = {
            **self.extra,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "errors": self.errors,
        }
        content = orjson.dumps(body)
        response = HttpResponse(content, content_type=MEDIA_TYPE, status=self.status)
        response.headers["Content-Length"] = str(len(content))
        for name, value in self.headers.items():
            response.headers[name] = value
        return response


class ProblemMiddleware:
    """Below /api/: turns what Django itself answers (no such address, 405, bad host …) into a problem, and
    keeps answers out of caches. Outermost, so that it sees every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path_info.startswith(BELOW):
            return response
        if response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE:
            kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
            cookies = response.cookies
            response = of_status(response.status_code, kept).answer()
            response.cookies = cookies
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem for a status alone."""
    return Problem(status, DETAILS.get(status, "The request cannot be answered."), headers=headers)


def away() -> Problem:
    """503: so many wait for the records already that one more is not let in."""
    return _of_outage(outage.AWAY)


def of_exception(error: Exception) -> Problem:
    """What went wrong, in words that give nothing away."""
    match error:
        case Problem():
            return error
        case NoWorkspace():
            return Problem(503, error.detail, title=error.title, headers={"Retry-After": "5"})
        case Refused():
            return Problem(
                error.status, error.detail, title=error.title, errors=error.errors, extra=error.extra
            )
        case ValidationError():
            return _of_validation(error)
        case HttpError() if isinstance(error.__cause__, Problem):
            return error.__cause__  # the parser's own, wrapped on its way
        case HttpError():
            return of_status(error.status_code)
        case Http404():
            return of_status(404)
        case RequestDataTooBig():
            return Problem(413, "The request's body is too long.")
        case SuspiciousOperation():
            return of_status(400)
        case WorkspaceError():
            return of_exception(NoWorkspace(f"The workspace cannot be loaded: {error}"))
    found = outage.of(error)
    if found is not None:
        return _of_outage(found)
    logger.error("A call of the API failed", exc_info=error)
    return of_status(500)


def _of_outage(found: outage.Outage) -> Problem:
    return Problem(found.status, found.sentence, headers={"Retry-After": str(found.retry_seconds)})


def install(api: NinjaAPI) -> None:
    """Lets the API answer every exception with a problem."""

    def handle(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
        assert isinstance(error, Exception)
        return of_exception(error).answer()

    for kind in (Exception, Http404, HttpError, ValidationError):  # those that ninja handles by itself
        api.add_exception_handler(kind, handle)


def _of_validation(error: ValidationError) -> Problem:
    """Errors of pydantic as sentences, each under its field's name. A path that cannot be is a 404."""
    errors: dict[str, str] = {}
    for item in error.errors:
        source, *place = item["loc"]
        if source == "path":
            return of_status(404)
        if source == "body":
            place = place[1:]  # the name of our function's parameter
        errors.setdefault(_name(place) or str(source), _sentence(item))
    name, sentence = next(iter(errors.items()))
    more = f" ({len(errors) - 1} more in errors.)" if len(errors) > 1 else ""
    return Problem(422, f"{name}: {sentence}{more}", title="Invalid input", errors=errors)


def sentence_of(errors: Sequence[Mapping[str, Any]]) -> str:
    """The first of pydantic's errors as a sentence."""
    return f"{_name(errors[0]['loc'])}: {_sentence(errors[0])}"


def _name(place: Iterable[Any]) -> str:
    return ".".join(str(part) for part in place)[:200]


def _sentence(item: Mapping[str, Any]) -> str:
    return SENTENCES.get(item["type"]) or f"{item['msg'].rstrip('.')}."
