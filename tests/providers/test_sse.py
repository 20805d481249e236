"""Server-sent events, however a server writes them."""

from __future__ import annotations

import pytest

from runtime.providers import sse
from runtime.providers.sse import Events, EventTooLong


def read(*chunks: bytes) -> list[str]:
    events = Events()
    found = [data for chunk in chunks for data in events.feed(chunk)]
    return found + events.end()


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\r\rdata: b\r\r", ["a", "b"]),
        (b"data:a\n\ndata:  b\n\n", ["a", " b"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b": ping\n\ndata: a\n\n: pong\n\n", ["a"]),
        (b"event: x\nid: 1\nretry: 3\ndata: a\n\n", ["a"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data: a\n\n\n\n\ndata: b", ["a", "b"]),
        (b"data: a", ["a"]),
        (b"data: a\r", ["a"]),
        (b"data", [""]),
        (b"garbage\n\nmore of it\n\n", []),
        (b"data: caf\xc3\xa9 \xff\n\n", ["café \ufffd"]),
        (b"", []),
    ],
)
def test_it_reads_every_way_of_writing_events(stream: bytes, data: list[str]) -> None:
    assert read(stream) == data
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == data


def test_it_gives_an_event_as_soon_as_it_is_whole() -> None:
    events = Events()
    assert events.feed(b"data: a\n") == []
    assert events.feed(b"\ndata: b") == ["a"]
    assert events.feed(b"\r\n\r") == []
    assert events.feed(b"\n") == ["b"]


def test_it_stops_an_event_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    with pytest.raises(EventTooLong):
        read(*[b"x" * 100] * 100)
    with pytest.raises(EventTooLong):
        read(*[b"data: " + b"x" * 100 + b"\n"] * 100)
