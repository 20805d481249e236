"""The one module that imports httpx: one POST whose answer is read piece by piece, with a cap on what it
unfolds to.

    HttpFault               the exchange failed; `str()` is the technical cause, it never holds a header
    ├── BadAddress          the URL or a header cannot be used
    ├── NotConnected        no connection: `cause` is refused, name, tls, slow, proxy or other
    ├── ConnectionLost      closed or reset before the answer was whole
    ├── TooLarge            the answer unfolds to more bytes than the caller allowed
    └── NotHttp             what came is not HTTP, or is packed in a way that cannot be unpacked

Time limits beyond connecting belong to the caller, who cancels. Redirects are never followed: an answer of
the 300s is an answer, and a key goes to the one host it was meant for.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from functools import cache
from typing import Literal
from urllib.parse import urlsplit

import httpx

SLICE = 65_536  # bytes unfolded at once

# They would write every address with its query, and whatever headers a server makes up.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Cause = Literal["refused", "name", "tls", "slow", "proxy", "other"]


class HttpFault(Exception):
    """The exchange failed; see the tree above."""


class BadAddress(HttpFault):
    """The URL or a header cannot be used."""


class NotConnected(HttpFault):
    """No connection came about; `cause` says what stood in the way."""

    def __init__(self, message: str, cause: Cause) -> None:
        super().__init__(message)
        self.cause: Cause = cause


class ConnectionLost(HttpFault):
    """The other side closed or reset the connection too early."""


class TooLarge(HttpFault):
    """The answer unfolds to more bytes than allowed."""


class NotHttp(HttpFault):
    """What came is not HTTP, or is packed in an unknown or broken way."""


class Answer:
    """An answer whose body is still to come: `status`, `headers` (names in lower case)."""

    def __init__(self, response: httpx.Response, max_bytes: int) -> None:
        self._response = response
        self._max_bytes = max_bytes
        self.status = response.status_code
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, unpacked; raises HttpFault, TooLarge beyond the cap."""
        total = 0
        unpack = _unpacker(self.headers.get("content-encoding", ""))
        with _faults():
            async with aclosing(self._response.aiter_raw()) as raw:  # type: ignore[type-var]
                async for packed in raw:
                    for piece in unpack.feed(packed):
                        total += len(piece)
                        if total > self._max_bytes:
                            raise TooLarge(f"more than {self._max_bytes:,} bytes")
                        yield piece

    async def read(self, limit: int) -> bytes:
        """The first `limit` bytes of the body; the rest is left."""
        kept = bytearray()
        async with aclosing(self.chunks()) as chunks:
            async for piece in chunks:
                kept += piece
                if len(kept) >= limit:
                    break
        return bytes(kept[:limit])


@asynccontextmanager
async def stream_post(
    url: str, *, content: bytes, headers: Mapping[str, str], connect_seconds: float, max_bytes: int
) -> AsyncIterator[Answer]:
    """POSTs `content`; entering waits for the head of the answer, leaving drops the connection.

    `max_bytes` caps the unpacked body. Raises HttpFault. Proxies of the environment are used, but never for
    loopback: a model on this machine is reached directly.
    """
    # Asked for unpacked: packing delays streamed text. Some servers pack all the same.
    sent = {"Accept-Encoding": "identity", **headers}
    async with AsyncExitStack() as stack:
        with _faults():
            client = await stack.enter_async_context(_client(url, connect_seconds))
            exchange = client.stream("POST", url, content=content, headers=sent)
            response = await stack.enter_async_context(exchange)
        yield Answer(response, max_bytes)


def _client(url: str, connect_seconds: float) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            verify=_ssl_context() if url.startswith("https:") else _no_ssl(),
            trust_env=not is_loopback(url),
            timeout=httpx.Timeout(None, connect=connect_seconds),
            follow_redirects=False,
        )
    except (ImportError, ValueError) as error:  # a kind of proxy that needs more than is installed, or a typo
        raise NotConnected("the proxy of the environment cannot be used", "proxy") from error


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def _ssl_context() -> ssl.SSLContext:
    # Loading the certificates takes 10 ms and more: once for each process, not for each call.
    return httpx.create_ssl_context()


@cache
def _no_ssl() -> ssl.SSLContext:
    # Trusts nobody. Given for http:// so that httpx loads no certificates.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
        # No text of these: a message about a header may quote the header.
        raise BadAddress("the address or a header cannot be used") from error
    except httpx.ConnectTimeout as error:
        raise NotConnected("no connection in time", "slow") from error
    except httpx.ProxyError as error:
        raise NotConnected(str(error) or "the proxy refused", "proxy") from error
    except httpx.ConnectError as error:
        raise NotConnected(str(error) or type(error).__name__, _cause(error)) from error
    except httpx.RemoteProtocolError as error:
        early = "disconnected" in str(error) or "closed connection" in str(error)
        raise (ConnectionLost if early else NotHttp)(str(error)) from error
    except (httpx.NetworkError, httpx.TimeoutException, OSError) as error:
        raise ConnectionLost(str(error) or type(error).__name__) from error
    except zlib.error as error:
        raise NotHttp("the packed body is broken") from error


def _cause(error: BaseException) -> Cause:
    waiting: list[BaseException] = [error]
    while waiting:
        found = waiting.pop()
        if isinstance(found, ConnectionRefusedError):
            return "refused"
        if isinstance(found, socket.gaierror):
            return "name"
        if isinstance(found, ssl.SSLError):
            return "tls"
        inner = found.exceptions if isinstance(found, BaseExceptionGroup) else ()
        waiting += [e for e in (found.__cause__, found.__context__, *inner) if e is not None]
    return "other"


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data


class _Inflate:
    """Unpacks gzip and deflate in slices, so that a bomb meets the cap before it meets the memory."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while not self._stream.eof:
            piece = self._stream.decompress(data, SLICE)
            data = self._stream.unconsumed_tail
            if piece:
                yield piece
            if not data and len(piece) < SLICE:
                return


def _unpacker(encoding: str) -> _Plain | _Inflate:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name in ("gzip", "x-gzip", "deflate"):
        return _Inflate()
    raise NotHttp("the body is packed in a way that was not asked for")
