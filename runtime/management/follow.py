"""Follows a run at the terminal: its text as it streams, a line for what happens in between."""

from __future__ import annotations

import re
import time
from typing import Any, TextIO

from runtime.events import EventType
from runtime.lifecycle import TERMINAL, RunState
from runtime.models import Event, Run

POLL_SECONDS = 0.1
BATCH = 500
STOPS = TERMINAL | {RunState.WAITING_FOR_APPROVAL, RunState.IN_DOUBT}
SHOWN = {
    EventType.MODEL_RETRIED: "error",
    EventType.MODEL_FAILED: "error",
    EventType.TOOL_STARTED: "tool_name",
    EventType.TOOL_COMPLETED: "tool_name",
    EventType.TOOL_FAILED: "error",
    EventType.TOOL_IN_DOUBT: "tool_name",
    EventType.APPROVAL_REQUESTED: "tool_name",
    EventType.APPROVAL_RESOLVED: "decision",
    EventType.APPROVAL_EXPIRED: "tool_name",
    EventType.ARTIFACT_CREATED: "path",
    EventType.RUN_RECOVERED: "reason",
}
# Control and bidirectional characters: text of a model must not drive the terminal.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text with control and bidirectional characters written out as `<U+001B>`."""
    return UNSAFE.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def follow(run_id: str, out: TextIO) -> Run | None:
    """Writes what happens until the run ends or waits for a person; gives the run, None when it is gone."""
    follower = _Follower(out)
    while True:
        run = Run.objects.filter(pk=run_id).first()  # before its events, so that the last ones are not missed
        new = list(Event.objects.of_run(run_id, after=follower.sequence)[:BATCH])
        for event in new:
            follower.show(event.sequence, event.type, event.body)
        if run is None or (not new and run.state in STOPS):
            follower.end(run)
            return run
        if not new:
            time.sleep(POLL_SECONDS)


class _Follower:
    def __init__(self, out: TextIO) -> None:
        self.sequence = 0
        self._out = out
        self._in_line = False
        self._last_call: Any = None  # the model call whose text was written last
        self._text_of: Any = None

    def show(self, sequence: int, kind: str, body: dict[str, Any]) -> None:
        self.sequence = sequence
        if kind == EventType.OUTPUT_DELTA:
            self._text_of = body.get("call")
            self._write(printable(str(body.get("text", ""))))
        elif kind == EventType.MODEL_STARTED:
            self._last_call = body.get("call")
        elif kind in SHOWN:
            self._line(f"· {kind} {body.get(SHOWN[EventType(kind)]) or ''}")

    def end(self, run: Run | None) -> None:
        """The last lines: an output that was not streamed, the error, the state."""
        if run is None:
            self._line("· the run was deleted")
            return
        if run.output and self._text_of != self._last_call:
            self._write(printable(run.output))
        if run.error:
            self._line(f"· {run.error}")
        self._line(f"· {run.state}")

    def _line(self, text: str) -> None:
        one_line = " ".join(printable(text).split())
        self._write(("\n" if self._in_line else "") + one_line + "\n")

    def _write(self, text: str) -> None:
        if text:
            self._out.write(text)
            self._out.flush()
            self._in_line = not text.endswith("\n")
