"""How long a statement waits for other writers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """On SQLite: a write in the block that finds the database locked for so long fails. On PostgreSQL writers
    of other rows keep nobody waiting."""
    if connection.vendor != "sqlite":
        yield
        return
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    try:
        wrapper.wait_at_most(seconds)
        yield
    finally:
        wrapper.wait_at_most(None)
