"""Streamed text on its way into events."""

from __future__ import annotations

import time

from runtime import journal
from runtime.engine.context import Context
from runtime.events import EventType
from runtime.faults import Point, reach

FLUSH_SECONDS = 0.1
DELTA_CHARACTERS = 16_000  #: an event stays far below its limit however the text is escaped


class StreamedText:
    """The text of one model call: at most one entry every 0.1 s from the call's beginning. A reply that is
    complete before that costs none: its text goes along with it.

    An end that may become a secret with the next piece waits for it.
    """

    def __init__(self, context: Context, call: int) -> None:
        self._context = context
        self._call = call
        self._pending: list[str] = []
        self._stream = context.agent.redactor.stream()
        self._flushed = time.monotonic()
        self.any = False

    def add(self, piece: str) -> None:
        """Takes a piece of the reply."""
        self._pending.append(piece)
        self.any = self.any or bool(piece)

    def flush_when_due(self) -> None:
        """Notes what there is, unless the last entry, or the call, is too young."""
        now = time.monotonic()
        if self._pending and now - self._flushed >= FLUSH_SECONDS:
            text = self._take()
            if text:
                with self._context.entry(durable=False) as entry:
                    note_text(entry, self._call, text)
                reach(Point.DELTA_COMMITTED)
                journal.release()
            self._flushed = now

    def rest(self, *, broken: bool) -> str:
        """All that is not noted yet, once; `broken` when more was to come."""
        return self._take() + self._stream.rest(broken=broken)

    def _take(self) -> str:
        text = self._stream.add("".join(self._pending))
        self._pending.clear()
        return text


def note_text(entry: journal.Entry, call: int, text: str) -> None:
    """Notes a text, in as many events as it takes."""
    for begin in range(0, len(text), DELTA_CHARACTERS):
        entry.note(EventType.OUTPUT_DELTA, text=text[begin : begin + DELTA_CHARACTERS], call=call)
