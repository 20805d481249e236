"""Where the feed reads the records: one interface, one module for each database.

Both wait for a commit without asking the tables, and both read without holding anybody up. They are
asynchronous because the feed runs on the server's event loop.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from django.db import connection

#: Run, sequence, type and `event_json` of an event. All but the type empty: something happened somewhere.
Row = tuple[str, int, str, str]


class Source(Protocol):
    """What the feed needs to know. Every method may raise OSError: the database cannot be read now."""

    async def news(self, followed: Collection[str]) -> list[Row]:
        """Waits a while for events that were committed since the last call, and gives those of these runs
        in order of their sequence; of other runs at least that there was more than streamed text. Events
        may be left out after a failure, but then the run's last one is among those given; and any may be
        given again."""

    async def events(self, run_id: str, after: int, limit: int) -> list[Row]:
        """A run's events after a sequence, ascending."""

    async def state(self, run_id: str) -> str | None:
        """The run's state; None when it is gone."""

    async def has_news(self, after: int) -> bool:
        """Whether anything but streamed text may have come after the event with this id was the newest."""

    async def open(self) -> None:
        """From now on `news` misses nothing."""

    async def close(self) -> None:
        """Nobody watches any more."""


def of_the_records() -> Source:
    """The one for the database of the settings."""
    if connection.vendor == "postgresql":
        from runtime.web.sources.postgresql import PostgreSQL

        return PostgreSQL()
    from runtime.web.sources.sqlite import SQLite

    return SQLite()
