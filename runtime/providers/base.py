"""What every provider speaks: requests, pieces, replies, time limits, and the family of errors.

    ProviderError             `retryable`, and what the class is for
    ├── Misconfigured         no    the base URL, the API key or the kind of provider cannot be used
    ├── Unreachable           yes   no connection: refused, name unknown, TLS, connect time passed
    ├── Dropped               yes   the connection broke
    │   └── CutShort          yes   it ended in good order, but before the reply was complete
    ├── TooSlow               no    a time limit passed in the middle
    │   └── NoFirstByte       yes   nothing came at all
    ├── StatusError           no    the answer is an error: 3xx, 4xx, 5xx
    │   ├── KeyRefused        no    401, 403
    │   ├── NotThere          no    404, 405: no such model, or no such address
    │   ├── ContextOverflow   no    the transcript is longer than the model's window
    │   ├── RateLimited       yes   429
    │   └── ServerTrouble     yes   408, 425, 500, 502, 503, 504, 529, and errors in the middle of a stream
    └── BadAnswer             no    a success by its status, but not the protocol
        └── AnswerTooLarge    no    longer than any reply may be

No error is retryable once a token or a piece of a tool call came (`started`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A tool call the model asks for. `arguments`: raw JSON text as the model sent it, perhaps broken."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the transcript; `tool_calls` only on assistant, `tool_call_id` only on tool messages."""

    role: Role
    content: str
    tool_calls: tuple[CallRequest, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool the model may call; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model call: `model` is the name at the provider, `messages` the whole transcript."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolOffer, ...] = ()
    temperature: float | None = None
    max_output_tokens: int | None = None
    stream: bool = True


MOST_TOKENS = 2**31 - 1  #: that a count is believed, and that the records can hold


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them (the scripted model estimates), at most MOST_TOKENS each."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Text of the reply as it comes; all pieces together are `Reply.text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing new, about every 0.1 s: the caller may renew its lease, or stop by closing the generator."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The complete reply. `finish_reason`: stop, tool_calls, length, content_filter or the provider's own
    word.

    Ids of `tool_calls` are never empty and occur nowhere else in the reply or the request's transcript.
    """

    text: str
    tool_calls: tuple[CallRequest, ...]
    usage: Usage | None
    finish_reason: str
    model: str


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `first_byte`: until the first token; `idle`: between two pieces after it; `call`: in all."""

    connect: float = 10.0
    first_byte: float = 120.0
    idle: float = 60.0
    call: float = 600.0


class Provider(Protocol):
    """A model protocol. Holds no connection between calls and may be used from several threads."""

    def stream(self, request: ModelRequest) -> Iterator[TextPiece | Tick | Reply]:
        """Ends with exactly one Reply, or raises ProviderError. Closing it drops the connection at once."""


class ProviderError(Exception):
    """A model call failed.

    `sentence` says what happened and what to do, ready to be shown; it quotes at most 300 characters of the
    provider and never the API key. `retry_after`: seconds the provider asked to wait. `status`: of HTTP.
    `started`: a token or a piece of a tool call had come. `retryable`: another try may help and repeats
    nothing.
    """

    retryable: bool = False

    def __init__(
        self,
        sentence: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        started: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
        self.retry_after = retry_after
        self.started = started
        self.retryable = type(self).retryable and not started

    @property
    def fault(self) -> str:
        """The class as a word for records, such as `rate_limited`."""
        return re.sub(r"\B(?=[A-Z])", "_", type(self).__name__).lower()


class Misconfigured(ProviderError):
    """The base URL, the API key or the kind of provider cannot be used."""


class Unreachable(ProviderError):
    """No connection to the model server."""

    retryable = True


class Dropped(ProviderError):
    """The connection broke."""

    retryable = True


class CutShort(Dropped):
    """The answer ended before the reply was complete."""


class TooSlow(ProviderError):
    """A time limit passed in the middle of the answer."""


class NoFirstByte(TooSlow):
    """Nothing came within the time to the first byte."""

    retryable = True


class StatusError(ProviderError):
    """The provider answered with an error."""


class KeyRefused(StatusError):
    """401 or 403."""


class NotThere(StatusError):
    """404 or 405: no such model, or no such address."""


class ContextOverflow(StatusError):
    """The transcript is longer than the model's context window."""


class RateLimited(StatusError):
    """429."""

    retryable = True


class ServerTrouble(StatusError):
    """The server has trouble that may pass."""

    retryable = True


class BadAnswer(ProviderError):
    """What came is not the protocol."""


class AnswerTooLarge(BadAnswer):
    """The reply is longer than any reply may be."""
