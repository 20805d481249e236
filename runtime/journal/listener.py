"""The doorbell between machines: a thread that listens for NOTIFY on one PostgreSQL channel."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import psycopg

LOOK_SECONDS = 5.0  #: how long it takes to notice that it was closed
AGAIN_SECONDS = 1.0
logger = logging.getLogger(__name__)


class Listener:
    """Calls `heard(message)` in a thread of its own for every NOTIFY, until closed. With every new connection
    it calls once more, with an empty message: something may have been said before."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], channel: str, heard: Callable[[str], None]
    ) -> None:
        self._connect = connect
        self._channel = channel
        self._heard = heard
        self._closed = threading.Event()
        threading.Thread(target=self._listen, name="doorbell", daemon=True).start()

    def close(self) -> None:
        """Stops listening."""
        self._closed.set()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                with self._connect() as connection:
                    connection.execute(f'LISTEN "{self._channel}"')
                    self._heard("")
                    while not self._closed.is_set():
                        for note in connection.notifies(timeout=LOOK_SECONDS):
                            self._heard(note.payload)
            except psycopg.Error as error:
                reason = str(error).strip().splitlines()[0]
                logger.warning("The doorbell lost the database (%s); trying again.", reason)
                self._closed.wait(AGAIN_SECONDS)
