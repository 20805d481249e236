"""Model protocols. `build` makes a provider; base.py holds what all of them speak.

To add one: copy the neighbour that is nearest, add its kind to `build`, and its rows to tests/providers.
"""

from __future__ import annotations

from runtime.providers.base import (
    MOST_TOKENS,
    CallRequest,
    Message,
    Misconfigured,
    ModelRequest,
    Provider,
    ProviderError,
    Reply,
    TextPiece,
    Tick,
    Timeouts,
    ToolOffer,
    Usage,
)
from runtime.providers.openai_compatible import OpenAICompatible
from runtime.providers.scripted import Scripted

KINDS = ("openai_compatible", "scripted")

__all__ = [
    "KINDS",
    "MOST_TOKENS",
    "CallRequest",
    "Message",
    "Misconfigured",
    "ModelRequest",
    "Provider",
    "ProviderError",
    "Reply",
    "TextPiece",
    "Tick",
    "Timeouts",
    "ToolOffer",
    "Usage",
    "build",
]


def build(kind: str, *, base_url: str = "", api_key: str = "", timeouts: Timeouts | None = None) -> Provider:
    """The provider of a kind; raises Misconfigured when kind, base URL or key cannot be used.

    `scripted` takes the pause between words from its base URL: see scripted.py.
    """
    if kind == "openai_compatible":
        return OpenAICompatible(base_url, api_key, timeouts)
    if kind == "scripted":
        return Scripted(base_url)
    raise Misconfigured(f"There is no provider of the kind {kind[:40]!r}: use one of {', '.join(KINDS)}.")
