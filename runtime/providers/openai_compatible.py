"""The chat-completions protocol, as spoken by OpenAI, vLLM, llama.cpp, Ollama, LM Studio and many gateways.

One POST a call; text is handed on as it comes. A server that refuses a newer option, or answers in one piece
although a stream was asked for, is understood all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from runtime import http
from runtime.providers import faults
from runtime.providers.assembly import Assembly
from runtime.providers.base import (
    ModelRequest,
    NoFirstByte,
    ProviderError,
    Reply,
    TextPiece,
    Tick,
    Timeouts,
    TooSlow,
)
from runtime.providers.endpoint import endpoint
from runtime.providers.payload import Habit, learn, payload
from runtime.providers.pump import Put, drive
from runtime.providers.sse import Events, EventTooLong

MAX_ANSWER_BYTES = 128_000_000  # unpacked; a stream wraps each token in some 300 bytes
MAX_WHOLE_BYTES = 16_000_000  # an answer in one piece
MAX_ERROR_BYTES = 65_536
USAGE_SECONDS = 5.0  # how long the usage may follow the finish reason
_BLANK = b"\xef\xbb\xbf \t\r\n"  # a byte order mark and white space


class OpenAICompatible:
    """A Provider; see `providers.build`. Remembers what its server has refused."""

    def __init__(self, base_url: str, api_key: str = "", timeouts: Timeouts | None = None) -> None:
        """Raises Misconfigured for a base URL or a key that cannot be used."""
        self._endpoint = endpoint(base_url, api_key)
        self._timeouts = timeouts or Timeouts()
        self._habits: frozenset[Habit] = frozenset()

    def __repr__(self) -> str:
        return f"OpenAICompatible({self._endpoint.shown!r})"

    def stream(self, request: ModelRequest) -> Iterator[TextPiece | Tick | Reply]:
        """See Provider."""
        return drive(lambda put: self._call(request, put))

    async def _call(self, request: ModelRequest, put: Put) -> Reply:
        assembly = Assembly(request, self._endpoint, put)
        try:
            async with asyncio.timeout(self._timeouts.call):
                return await self._attempts(request, assembly)
        except TimeoutError:  # every other limit has become a ProviderError by now
            sentence = (
                f"The call to {self._endpoint.shown} took longer than {self._timeouts.call:g} s and was "
                "stopped: ask for less at once, or raise the call's time limit."
            )
            raise TooSlow(sentence, started=assembly.started) from None
        except http.HttpFault as fault:
            connect = self._timeouts.connect
            raise faults.from_http(fault, self._endpoint, connect, assembly.started) from fault

    async def _attempts(self, request: ModelRequest, assembly: Assembly) -> Reply:
        while True:
            async with self._post(payload(request, self._habits)) as answer:
                if 200 <= answer.status < 300:
                    await self._read(answer, assembly)
                    return assembly.reply()
                refusal = await self._refusal(answer)
            habit = learn(answer.status, refusal, request, self._habits)
            if habit is None:
                raise faults.from_status(
                    answer.status, answer.headers, refusal, self._endpoint, request.model
                )
            self._habits |= {habit}

    @asynccontextmanager
    async def _post(self, content: bytes) -> AsyncIterator[http.Answer]:
        async with AsyncExitStack() as stack:
            exchange = http.stream_post(
                self._endpoint.url,
                content=content,
                headers=self._endpoint.headers(),
                connect_seconds=self._timeouts.connect,
                max_bytes=MAX_ANSWER_BYTES,
            )
            try:
                async with asyncio.timeout(self._timeouts.first_byte):
                    answer = await stack.enter_async_context(exchange)
            except TimeoutError:
                raise self._too_slow(started=False) from None
            yield answer

    async def _refusal(self, answer: http.Answer) -> bytes:
        try:
            async with asyncio.timeout(self._timeouts.first_byte):
                return await answer.read(MAX_ERROR_BYTES)
        except (TimeoutError, http.HttpFault):
            return b""  # the status says enough

    async def _read(self, answer: http.Answer, assembly: Assembly) -> None:
        """Reads until the reply is complete, or the answer ends."""
        async with aclosing(self._chunks(answer, assembly)) as chunks:
            head = b""
            async for chunk in chunks:  # the first bytes that are not white space tell the two forms apart
                head = chunk.lstrip(_BLANK)
                if head:
                    break
            if head[:1] in (b"{", b"[", b"<"):
                await self._read_whole(head, chunks, assembly)
            else:
                await self._read_events(head, chunks, assembly)

    async def _read_whole(self, head: bytes, chunks: AsyncGenerator[bytes, None], assembly: Assembly) -> None:
        body = bytearray(head)
        async for chunk in chunks:
            body += chunk
            if len(body) > MAX_WHOLE_BYTES:
                raise faults.too_large(self._endpoint, started=False)
        assembly.whole(bytes(body))

    async def _read_events(
        self, head: bytes, chunks: AsyncGenerator[bytes, None], assembly: Assembly
    ) -> None:
        events = Events()
        try:
            for data in events.feed(head):
                assembly.event(data)
            async for chunk in chunks:
                for data in events.feed(chunk):
                    assembly.event(data)
                if assembly.done:
                    return
        except EventTooLong:
            raise faults.too_large(self._endpoint, assembly.started) from None
        for data in events.end():
            assembly.event(data)

    async def _chunks(self, answer: http.Answer, assembly: Assembly) -> AsyncGenerator[bytes, None]:
        """The body, under the time limits. What breaks after the finish reason breaks nothing."""
        async with aclosing(answer.chunks()) as chunks:
            while not assembly.done:
                patience = self._timeouts.idle if assembly.started else self._timeouts.first_byte
                if assembly.finished:
                    patience = min(patience, USAGE_SECONDS)
                try:
                    async with asyncio.timeout(patience):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    if assembly.finished:
                        return
                    raise self._too_slow(assembly.started) from None
                except http.ConnectionLost:
                    if assembly.finished:
                        return
                    raise
                if chunk is None:
                    return
                yield chunk

    def _too_slow(self, started: bool) -> ProviderError:
        base = self._endpoint.shown
        if started:
            sentence = (
                f"{base} fell silent for {self._timeouts.idle:g} s in the middle of the reply: try again."
            )
            return TooSlow(sentence, started=True)
        return NoFirstByte(
            f"{base} sent nothing for {self._timeouts.first_byte:g} s: a slow model may need a higher limit "
            "for the first byte, else look whether the server is stuck."
        )
