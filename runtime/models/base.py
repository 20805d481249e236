"""What the records share: identifiers, JSON kept as it was written, since when a row is here."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Func, Min, QuerySet
from uuid_utils import uuid7

ID_LENGTH = 64


def new_id() -> str:
    """A time-ordered identifier (UUIDv7), opaque to everyone outside."""
    return str(uuid7())


def first_here(rows: QuerySet[Any], began: str, imported: str) -> datetime | None:
    """The earliest time `began` of some rows, counted from the import where a row came by one: before, it
    was nobody's here. None without rows."""
    own = rows.filter(**{f"{imported}__isnull": True}).order_by(began)
    first: datetime | None = own.values_list(began, flat=True).first()
    brought = rows.filter(**{f"{imported}__isnull": False})
    if first is not None:
        brought = brought.filter(**{f"{began}__lt": first})  # a later one came here later still
    came: datetime | None = brought.aggregate(came=Min(imported))["came"]
    return min((moment for moment in (first, came) if moment is not None), default=None)


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


class OctetLength(Func):
    """The bytes of a text; `Length` counts characters."""

    function = "octet_length"
    arity = 1
    output_field = BigIntegerField()
