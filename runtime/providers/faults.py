"""From what went wrong to an error whose sentence says what happened and what to do."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from runtime import http
from runtime.providers.base import (
    AnswerTooLarge,
    BadAnswer,
    ContextOverflow,
    CutShort,
    Dropped,
    KeyRefused,
    Misconfigured,
    NotThere,
    ProviderError,
    RateLimited,
    ServerTrouble,
    StatusError,
    Unreachable,
)
from runtime.providers.endpoint import Endpoint

PASSING = frozenset({408, 425, 500, 502, 503, 504, 529})  # and 429, which has a class of its own

# In the words of OpenAI, Azure, vLLM, llama.cpp, LM Studio, Ollama, Mistral, Gemini, Claude and TGI.
_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size"
    r"|(maximum|max|model'?s?|available|the) context (length|size|window)"
    r"|context the overflows|context overflow|prompt is too long|prompt too long|input is too long"
    r"|longer than the maximum model length|too many (input )?tokens|input token count .{0,40}exceeds"
    r"|inputs` tokens \+ `max_new_tokens|reduce the length of (the|your) (messages|prompt|input)"
    r"|exceeds? the (model's )?(maximum )?(context|number of tokens)",
    re.IGNORECASE,
)
_KEY = "check HARNESS_MODEL_API_KEY or the model's api_key in models.yaml"
_ADDRESS = "check HARNESS_MODEL_BASE_URL or the model's base_url in models.yaml"


def from_status(
    status: int, headers: Mapping[str, str], body: bytes, where: Endpoint, model: str, started: bool = False
) -> ProviderError:
    """The error that an answer with this status means; `headers` with names in lower case."""
    said = message_of(body)
    quoted = where.quote(said)
    tail = f' It said: "{quoted}"' if quoted else ""
    name, base = where.quote(model), where.shown
    kind, sentence = _status_sentence(status, said, name, base)
    if 300 <= status < 400:
        host = where.quote(urlsplit(headers.get("location", "")).netloc) or "another address"
        sentence = f"{base} redirects to {host} ({status}), and redirects are not followed: {_ADDRESS}."
    return kind(f"{sentence}{tail}", status=status, retry_after=retry_after(headers), started=started)


def _status_sentence(status: int, said: str, name: str, base: str) -> tuple[type[StatusError], str]:
    if status in (401, 403):
        verb = "refused the API key" if status == 401 else "does not allow this API key to do that"
        return KeyRefused, f"The model server at {base} {verb} ({status}): {_KEY}."
    if status in (404, 405):
        return NotThere, (
            f'The model server has no model "{name}" or nothing at {base} ({status}): '
            "check HARNESS_MODEL and HARNESS_MODEL_BASE_URL, or model and base_url in models.yaml."
        )
    if status in (400, 413, 422) and _OVERFLOW.search(said):
        return ContextOverflow, (
            f'The transcript is longer than the context window of "{name}" ({status}): '
            "start a new thread, or use a model with a larger window."
        )
    if status == 429:
        return RateLimited, (
            f"The model server at {base} takes no more requests now (429): "
            "wait, or look at the account's limits."
        )
    if status in PASSING:
        return ServerTrouble, f"The model server at {base} has trouble ({status}): try again later."
    if status >= 500:
        return StatusError, f"The model server at {base} failed ({status}): look at the server's own records."
    return (
        StatusError,
        f'The model server at {base} refused the request to "{name}" ({status}): check its settings.',
    )


def from_stream(error: Any, where: Endpoint, model: str, started: bool) -> ProviderError:
    """The error that an `error` object inside a successful answer means."""
    said = _message(error)
    body = said.encode("utf-8", "replace")
    codes = [error.get(key) for key in ("code", "status", "status_code")] if isinstance(error, dict) else []
    for code in codes:
        if isinstance(code, int | str) and re.fullmatch(r"[45]\d\d", str(code)):
            return from_status(int(code), {}, body, where, model, started)
    if _OVERFLOW.search(said):
        return from_status(400, {}, body, where, model, started)
    if any(isinstance(code, str) and "rate_limit" in code for code in codes):
        return from_status(429, {}, body, where, model, started)
    sentence = f'The model server at {where.shown} broke off with an error. It said: "{where.quote(said)}"'
    return ServerTrouble(sentence, started=started)


def from_http(fault: http.HttpFault, where: Endpoint, connect_seconds: float, started: bool) -> ProviderError:
    """The error that a failed exchange means."""
    base = where.shown
    if isinstance(fault, http.NotConnected):
        return Unreachable(_not_connected(fault.cause, base, connect_seconds), started=started)
    if isinstance(fault, http.ConnectionLost):
        when = "in the middle of the reply" if started else "before the reply began"
        return Dropped(
            f"The model server at {base} closed the connection {when}: is it still running?", started=started
        )
    if isinstance(fault, http.TooLarge):
        return too_large(where, started)
    if isinstance(fault, http.BadAddress):
        return Misconfigured(f"No request can be sent to {base}: {_ADDRESS}.", started=started)
    return BadAnswer(f"What answers at {base} does not speak HTTP as it should: {_ADDRESS}.", started=started)


def _not_connected(cause: http.Cause, base: str, seconds: float) -> str:
    host = urlsplit(base).hostname
    match cause:
        case "refused":
            return f"Nothing answers at {base} (connection refused): is the model server running there?"
        case "name":
            return f"The name {host} is not known: {_ADDRESS}, and that this machine can look names up."
        case "tls":
            return (
                f"No secure connection to {base}: its certificate is not trusted, or it does not speak TLS."
            )
        case "proxy":
            return (
                f"The proxy of this machine's environment does not lead to {base}: set NO_PROXY for {host}."
            )
        case "slow":
            return (
                f"{base} did not take the connection within {seconds:g} s: is the model server running there?"
            )
    return f"No connection to {base}: is the model server running there, and can this machine reach it?"


def cut_short(where: Endpoint, started: bool) -> CutShort:
    """The stream ended without a finish reason."""
    sentence = f"The reply from {where.shown} ended without a finish reason: it was cut off and is not used."
    return CutShort(sentence, started=started)


def not_the_protocol(what: str, where: Endpoint, started: bool) -> BadAnswer:
    """A success by its status that is something else; `what` is the provider's text."""
    quoted = where.quote(what)
    tail = f' It sent: "{quoted}"' if quoted else ""
    sentence = f"{where.shown} does not answer as an OpenAI-compatible server does: {_ADDRESS}.{tail}"
    return BadAnswer(sentence, started=started)


def too_large(where: Endpoint, started: bool) -> AnswerTooLarge:
    """The reply is longer than any reply may be."""
    sentence = (
        f"The reply from {where.shown} is longer than any reply may be and was stopped: "
        "set max_output_tokens of the model, or ask for less."
    )
    return AnswerTooLarge(sentence, started=started)


def message_of(body: bytes) -> str:
    """What an error body says: the message in its JSON, in the servers' several forms, else its text."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return re.sub(r"<[^<>]{0,200}>", " ", text)  # a proxy's page
    if isinstance(value, list) and value:
        value = value[0]
    return _message(value.get("error", value) if isinstance(value, dict) else value) or text


def _message(error: Any) -> str:
    if not isinstance(error, dict):
        return error if isinstance(error, str) else ""
    words = [error.get(key) for key in ("message", "msg", "detail", "code", "type")]
    return " ".join(str(word) for word in words if isinstance(word, str | int) and word)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the server asks to wait: `retry-after-ms`, or `retry-after` as seconds or as a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
