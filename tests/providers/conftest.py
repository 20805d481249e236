"""A model server on a real socket, and what every test of a provider does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from runtime.providers import (
    Message,
    ModelRequest,
    Provider,
    Reply,
    TextPiece,
    Tick,
    Timeouts,
    ToolOffer,
    build,
)
from tests.openai_server import OpenAIServer, running

KEY = "sk-a-secret-key-0123456789"
Ask = Callable[..., Reply]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """A model server of this test's own."""
    with running() as made:
        yield made


@pytest.fixture
def provider(server: OpenAIServer) -> Provider:
    """An openai_compatible provider of that server, with a key."""
    return build("openai_compatible", base_url=server.base_url, api_key=KEY)


#: Seconds that a silent server is given. Long enough that the request has reached it on a busy machine, too.
LITTLE = 0.75


@pytest.fixture
def hasty(server: OpenAIServer) -> Provider:
    """The same with little patience until the first token."""
    return build("openai_compatible", base_url=server.base_url, timeouts=Timeouts(first_byte=LITTLE))


@pytest.fixture
def brisk(server: OpenAIServer) -> Provider:
    """The same with little patience after the first token."""
    return build("openai_compatible", base_url=server.base_url, timeouts=Timeouts(idle=LITTLE))


def ask(text: str = "Hello", **fields: object) -> ModelRequest:
    """A request with one user message."""
    return ModelRequest("test-model", (Message("user", text),), **fields)  # type: ignore[arg-type]


def reply_of(provider: Provider, request: ModelRequest | None = None) -> Reply:
    """The reply, after the promises about what comes before it are checked."""
    items = list(provider.stream(request or ask()))
    reply = items[-1]
    assert isinstance(reply, Reply)
    assert all(isinstance(item, TextPiece | Tick) for item in items[:-1])
    assert "".join(item.text for item in items if isinstance(item, TextPiece)) == reply.text
    return reply


def offers(*names: str) -> tuple[ToolOffer, ...]:
    """Tools of these names."""
    return tuple(ToolOffer(name, f"The tool {name}.", {"type": "object"}) for name in names)
