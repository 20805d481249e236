"""The one HTTP module: what providers do not show of it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest

from runtime import http
from tests.openai_server import Answer, OpenAIServer, running


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with running() as made:
        yield made


async def post(
    server: OpenAIServer, max_bytes: int = 1_000_000, headers: dict[str, str] | None = None
) -> bytes:
    url = f"{server.base_url}/chat/completions"
    async with http.stream_post(
        url, content=b"{}", headers=headers or {}, connect_seconds=5, max_bytes=max_bytes
    ) as answer:
        return b"".join([chunk async for chunk in answer.chunks()])


@pytest.mark.parametrize("packing", [gzip.compress, zlib.compress, bytes])
@pytest.mark.parametrize("size", [0, 1, http.SLICE - 1, http.SLICE, http.SLICE + 1, 5 * http.SLICE])
def test_it_unpacks_in_slices(packing: type[bytes], size: int) -> None:
    content = (b"abcdefghi\n" * (size // 10 + 1))[:size]
    packed = packing(content)
    unpacker = http._unpacker("" if packing is bytes else "gzip")
    for step in (1, 7, len(packed) or 1):
        unpacker = http._unpacker("" if packing is bytes else "gzip")
        pieces = [piece for i in range(0, len(packed), step) for piece in unpacker.feed(packed[i : i + step])]
        assert b"".join(pieces) == content
        assert all(len(piece) <= http.SLICE for piece in pieces) or packing is bytes


async def test_it_stops_a_bomb_at_the_cap(server: OpenAIServer) -> None:
    server.answer(Answer(zeros=50_000_000))
    with pytest.raises(http.TooLarge):
        await post(server, max_bytes=100_000)


async def test_it_reads_no_more_than_asked(server: OpenAIServer) -> None:
    server.answer(Answer(padding=10_000_000))
    url = f"{server.base_url}/chat/completions"
    async with http.stream_post(
        url, content=b"{}", headers={}, connect_seconds=5, max_bytes=20_000_000
    ) as answer:
        assert len(await answer.read(1000)) == 1000


async def test_it_gives_header_names_in_lower_case(server: OpenAIServer) -> None:
    server.answer(Answer(body="x", headers={"X-Odd-Case": "Kept"}))
    url = f"{server.base_url}/chat/completions"
    async with http.stream_post(url, content=b"{}", headers={}, connect_seconds=5, max_bytes=10) as answer:
        assert answer.headers["x-odd-case"] == "Kept"
        assert answer.status == 200


@pytest.mark.parametrize("value", ["line\nbreak", "ümlaut", "nul\x00"])
async def test_it_quotes_no_header_it_cannot_send(server: OpenAIServer, value: str) -> None:
    with pytest.raises(http.BadAddress) as caught:
        await post(server, headers={"Authorization": value})
    assert value not in str(caught.value)


async def test_it_lets_a_callers_error_through(server: OpenAIServer) -> None:
    url = f"{server.base_url}/chat/completions"
    with pytest.raises(UnicodeDecodeError):
        async with http.stream_post(url, content=b"{}", headers={}, connect_seconds=5, max_bytes=10):
            b"\xff".decode()


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]:1/", True),
        ("http://localhost:1/", True),
        ("http://a.localhost/", True),
        ("http://10.0.0.1/", False),
        ("http://localhost.example/", False),
        ("https://api.example/", False),
    ],
)
def test_it_knows_this_machine(url: str, loopback: bool) -> None:
    assert http.is_loopback(url) is loopback
