"""Which schema the database holds: written once, checked at every start."""

from __future__ import annotations

from runtime.journal.transaction import unit
from runtime.models import RuntimeMetadata
from runtime.models.metadata import SCHEMA_FAMILY, SCHEMA_VERSION


class ForeignSchema(Exception):
    """The database belongs to something else, or to another version; nothing was written."""


def check_schema(database: str) -> None:
    """Writes family and version together when both are absent; raises ForeignSchema when they do not fit.
    Safe to call many times, also at once."""
    with unit():
        rows = dict(RuntimeMetadata.objects.values_list("key", "value"))
        family, version = rows.get("schema_family"), rows.get("schema_version")
        if family is None and version is None:
            RuntimeMetadata.objects.bulk_create(
                [
                    RuntimeMetadata(key="schema_family", value=SCHEMA_FAMILY),
                    RuntimeMetadata(key="schema_version", value=SCHEMA_VERSION),
                ],
                ignore_conflicts=True,
            )
            return
    if family != SCHEMA_FAMILY:
        raise ForeignSchema(
            f"The database {database} holds the schema family {family!r}, not {SCHEMA_FAMILY!r}: "
            "it belongs to another program."
        )
    if version != SCHEMA_VERSION:
        raise ForeignSchema(
            f"The database {database} has schema version {version!r} of {SCHEMA_FAMILY}; this program "
            f"reads version {SCHEMA_VERSION!r}."
        )
