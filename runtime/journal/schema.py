"""Which schema the database holds: written once, checked at every start, before anything is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.db import connection

from runtime.journal.transaction import unit
from runtime.models import RuntimeMetadata
from runtime.models.metadata import SCHEMA_FAMILY, SCHEMA_VERSION

SETTING_UP = 7_312_004_411  #: the number of PostgreSQL's lock; any number will do that nobody else uses
LOOK_SECONDS = 0.2

FAMILY, VERSION = "schema_family", "schema_version"
METADATA, MIGRATIONS = RuntimeMetadata._meta.db_table, "django_migrations"
SHOWN = 3  #: names of tables in a sentence


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


def refuse_foreign() -> None:
    """Raises ForeignSchema where the tables are not this program's, or another version's; only reads.

    An empty database is nobody's, and so is one whose tables have other names than ours: both may be set up.
    Raises django.db.DatabaseError when the database cannot be read.
    """
    if connection.vendor == "sqlite" and not _file().exists():
        return
    with _reading() as cursor:
        tables = set(connection.introspection.table_names(cursor, include_views=True))
        known = _known(cursor) if METADATA in tables else {}
        newer = _newer(cursor) if {METADATA, MIGRATIONS} <= tables else set()
    if fault := _fault(known, tables) or _made_later(newer):
        raise ForeignSchema(f"The database {connection.settings_dict['NAME']} {fault}")


def mismatch() -> str:
    """What is wrong with the family and version in the records, without the database's name; empty when they
    fit, or are not written yet."""
    return _mismatch(dict(RuntimeMetadata.objects.values_list("key", "value")))


def check_schema(database: str) -> None:
    """Writes family and version together when both are absent; raises ForeignSchema when they do not fit.
    Safe to call many times, also at once."""
    with unit():
        known = dict(RuntimeMetadata.objects.values_list("key", "value"))
        if known.get(FAMILY) is None and known.get(VERSION) is None:
            RuntimeMetadata.objects.bulk_create(
                [
                    RuntimeMetadata(key=FAMILY, value=SCHEMA_FAMILY),
                    RuntimeMetadata(key=VERSION, value=SCHEMA_VERSION),
                ],
                ignore_conflicts=True,
            )
            return
    if fault := _mismatch(known):
        raise ForeignSchema(f"The database {database} {fault}")


def _fault(known: Mapping[str, Any], tables: set[str]) -> str:
    """Why the database is not ours to use; empty when it is. A migration makes `django_migrations` first, and
    `runtime_metadata` with the first of the records: ours without them never were."""
    if fault := _mismatch(known):
        return fault
    own = {model._meta.db_table for model in apps.get_app_config("runtime").get_models()}
    if MIGRATIONS in tables:
        strange = own & tables if METADATA not in tables else set()
    else:
        strange = set(connection.introspection.django_table_names()) & tables
    if strange and known:
        return (
            "is one of the reference runtime. Move it, and the folder threads beside it, out of the data "
            "directory and start again; `manage.py import_runtime FILE` then brings it along."
        )
    if strange:
        return f"has tables that this program did not make ({_some(strange)}): it belongs to another program."
    return ""


def _newer(cursor: Any) -> set[str]:
    """Migrations that were applied and that this program does not have."""
    cursor.execute(f"SELECT name FROM {MIGRATIONS} WHERE app = 'runtime'")  # noqa: S608  (our own name)
    ours = {file.stem for file in Path(apps.get_app_config("runtime").path, "migrations").glob("*.py")}
    return {name for (name,) in cursor.fetchall()} - ours


def _made_later(newer: set[str]) -> str:
    if not newer:
        return ""
    return (
        f"was changed by a newer version of this program ({_some(newer)}). Start that version, or restore "
        "the backup from before the upgrade."
    )


def _mismatch(known: Mapping[str, Any]) -> str:
    family, version = known.get(FAMILY), known.get(VERSION)
    if family is None and version is None:
        return ""
    if family != SCHEMA_FAMILY:
        return f"holds the schema family {family!r}, not {SCHEMA_FAMILY!r}: it belongs to another program."
    if version is None:
        return f"names no schema version of {SCHEMA_FAMILY}; this program reads version {SCHEMA_VERSION!r}."
    if version != SCHEMA_VERSION:
        return (
            f"has schema version {version!r} of {SCHEMA_FAMILY}; this program reads version "
            f"{SCHEMA_VERSION!r}."
        )
    return ""


def _some(names: set[str]) -> str:
    first = sorted(names)
    return ", ".join(first[:SHOWN]) + (", …" if len(first) > SHOWN else "")


def _known(cursor: Any) -> dict[str, Any]:
    """The metadata; nothing where somebody else's table of that name has other columns."""
    cursor.execute(f"SELECT * FROM {METADATA}")  # noqa: S608  (our own name)
    columns = [column[0] for column in cursor.description]
    if not {"key", "value"} <= set(columns):
        return {}
    key, value = columns.index("key"), columns.index("value")
    return {row[key]: row[value] for row in cursor.fetchall()}


@contextmanager
def _reading() -> Iterator[Any]:
    """A cursor. On SQLite that of a connection which can only read: Django's own turns a file to WAL as soon
    as it opens it."""
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            yield cursor
        return
    backend: Any = connection
    with connection.wrap_database_errors, closing(backend.Database.connect(_address(), uri=True)) as own:
        yield own.cursor()


def _file() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _address() -> str:
    """A file at rest is read as it stands: in WAL mode SQLite would make files beside it, and leave them."""
    file = _file()
    logs = [file.with_name(f"{file.name}{end}") for end in ("-wal", "-journal")]
    at_rest = not any(log.exists() and log.stat().st_size for log in logs)
    return f"file:{quote(str(file))}?mode=ro" + ("&immutable=1" if at_rest else "")
