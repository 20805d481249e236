"""What the records share: identifiers and the clock."""

from __future__ import annotations

from uuid_utils import uuid7

ID_LENGTH = 64


def new_id() -> str:
    """A time-ordered identifier (UUIDv7), opaque to everyone outside."""
    return str(uuid7())
