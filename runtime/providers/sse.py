"""Server-sent events from bytes: the data of each event, however the server writes its lines. Pure.

Line ends LF, CRLF or CR, a byte order mark, comments, `data:` with or without a space, several data lines, a
last event without an empty line after it. Lines of other fields are left out.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 16_000_000


class EventTooLong(Exception):
    """One event is longer than MAX_EVENT_BYTES."""


class Events:
    """`feed` gives the data of each event that the bytes complete, `end` what was left open."""

    def __init__(self) -> None:
        self._open = bytearray()  # a line that has no end yet
        self._searched = 0  # so far no line end in it
        self._first = True
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[str]:
        """Raises EventTooLong."""
        found: list[str] = []
        self._open += chunk
        if self._first and len(self._open) >= 3:
            self._first = False
            if self._open.startswith(b"\xef\xbb\xbf"):
                del self._open[:3]
        for line in self._lines():
            self._line(line, found)
        if len(self._open) + self._size > MAX_EVENT_BYTES:
            raise EventTooLong
        return found

    def end(self) -> list[str]:
        """The stream is over: its last line and its last event may lack their ends."""
        found: list[str] = []
        self._line(bytes(self._open).removesuffix(b"\r"), found)
        self._open.clear()
        self._dispatch(found)
        return found

    def _lines(self) -> list[bytes]:
        # A CR at the very end may be half of a CRLF: it stays until more comes.
        end = max(self._open.rfind(b"\n", self._searched), self._open.rfind(b"\r", self._searched, -1))
        if end < 0:
            self._searched = max(0, len(self._open) - 1)
            return []
        whole = bytes(self._open[: end + 1]).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        del self._open[: end + 1]
        self._searched = 0
        return whole.split(b"\n")[:-1]

    def _line(self, line: bytes, found: list[str]) -> None:
        if not line:
            self._dispatch(found)
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value)

    def _dispatch(self, found: list[str]) -> None:
        if self._data:
            found.append(b"\n".join(self._data).decode("utf-8", "replace"))
            self._data.clear()
            self._size = 0
