"""Where an OpenAI-compatible server is, in every form people write it, and how it is spoken of.

Text of a provider is hostile: `quote` removes what hides or disguises, the API key, and all but 300
characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from runtime.providers.base import Misconfigured
from runtime.redaction import Redactor

MAX_QUOTE_CHARACTERS = 300
_PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` takes the requests, `shown` is the base URL for sentences (never with a query)."""

    url: str
    shown: str
    api_key: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Headers of a request; the only place where the key goes."""
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        return headers | ({"Authorization": f"Bearer {self.api_key}"} if self.api_key else {})

    def quote(self, text: str) -> str:
        """A provider's text made fit for a sentence: one line, visible characters, no key, at most 300."""
        text = Redactor([self.api_key]).text(clean(text), patterns=True)
        return text if len(text) <= MAX_QUOTE_CHARACTERS else text[: MAX_QUOTE_CHARACTERS - 1] + "…"


def endpoint(base_url: str, api_key: str) -> Endpoint:
    """The endpoint of a base URL as people type it; raises Misconfigured.

    With or without a slash at the end, with or without `/v1` (a base without any path means `/v1`), also with
    the whole `/chat/completions`; a query is kept.
    """
    base_url = base_url.strip()
    parts = _split(base_url)
    path = parts.path.rstrip("/").removesuffix(_PATH).rstrip("/")
    path = path or "/v1"
    root = f"{parts.scheme}://{parts.netloc}{path}"
    query = f"?{parts.query}" if parts.query else ""
    return Endpoint(f"{root}{_PATH}{query}", clean(root)[:200], _checked_key(api_key.strip()))


def clean(text: str) -> str:
    """One line without control, format, private or unassigned characters."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " if c in "\t\r\n" else "" for c in text)
    return " ".join(kept.split())


def _split(base_url: str) -> SplitResult:
    example = "for example http://127.0.0.1:11434/v1"
    if not base_url:
        raise Misconfigured(f"The model has no base URL: set HARNESS_MODEL_BASE_URL, {example}.")
    try:
        parts = urlsplit(base_url)
        parts.port  # noqa: B018 - raises when the port is not a number
    except ValueError as error:
        raise Misconfigured(
            f"The model's base URL cannot be read: write it like a link, {example}."
        ) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured(f"The model's base URL must begin with http:// or https://, {example}.")
    if parts.username is not None or parts.password is not None:
        raise Misconfigured(
            "The model's base URL holds a name or password: use HARNESS_MODEL_API_KEY instead."
        )
    if re.search(r"[\x00-\x20\x7f]", base_url):
        raise Misconfigured("The model's base URL contains a space or a control character.")
    return parts


def _checked_key(api_key: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]*", api_key):
        raise Misconfigured(
            "The model's API key contains a space, a line break or a letter beyond ASCII: "
            "check HARNESS_MODEL_API_KEY or the model's api_key in models.yaml."
        )
    return api_key
