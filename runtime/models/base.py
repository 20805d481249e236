"""What the records share: identifiers, and JSON that is kept as it was written."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from uuid_utils import uuid7

ID_LENGTH = 64


def new_id() -> str:
    """A time-ordered identifier (UUIDv7), opaque to everyone outside."""
    return str(uuid7())


class VerbatimJSON(models.JSONField):
    """JSON with its numbers and the order of its keys, on every database.

    PostgreSQL's `jsonb` would rewrite both: 1e16 comes back as an integer and with another digest, and a
    form's fields in another order. Its `json` keeps the text; it cannot be compared, which nobody does.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if connection.vendor != "postgresql" or value is None:
            return super().get_db_prep_value(value, connection, prepared)
        return json.dumps(value)

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """As text, so that it is read by the same parser everywhere."""
        return (f"{sql}::text", params) if compiler.connection.vendor == "postgresql" else (sql, params)
