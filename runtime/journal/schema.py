"""Which schema the database holds: written once, checked at every start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from runtime.journal.transaction import unit
from runtime.models import RuntimeMetadata
from runtime.models.metadata import SCHEMA_FAMILY, SCHEMA_VERSION

SETTING_UP = 7_312_004_411  #: the number of PostgreSQL's lock; any number will do that nobody else uses
LOOK_SECONDS = 0.2


class ForeignSchema(Exception):
    """The database belongs to something else, or to another version; nothing was written."""


@contextmanager
def setting_up() -> Iterator[None]:
    """For the length of the block no other process sets the same database up, from whichever machine."""
    if connection.vendor != "postgresql":
        yield  # a file has one machine, and `up` a lock beside it
        return
    while not _ask("SELECT pg_try_advisory_lock(%s)"):
        time.sleep(LOOK_SECONDS)
    try:
        yield
    finally:
        _ask("SELECT pg_advisory_unlock(%s)")


def _ask(question: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [SETTING_UP])
        return bool(cursor.fetchone()[0])


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
