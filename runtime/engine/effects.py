"""What a run does outside of the records: slow things, between two entries."""

from __future__ import annotations

from typing import Protocol

from runtime import journal


class Effect(Protocol):
    """One slow thing whose beginning is marked already.

    Mark, do, record: `run` does it with no transaction open and keeps what came of it; `record` writes that
    into the next entry, and again into another one when that could not be committed.
    """

    def run(self) -> None:
        """Raises journal.Fenced or Stopping when the run was taken away or the process ends."""

    def record(self, entry: journal.Entry) -> None:
        """Writes what came of it; may park or end the run."""

    def recorded(self) -> None:
        """Called once that is committed."""
