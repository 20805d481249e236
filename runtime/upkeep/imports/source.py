"""A reference database, opened read-only: what it has to be, and its rows, one after the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runtime.models.metadata import SCHEMA_FAMILY, SCHEMA_VERSION
from runtime.upkeep.imports.report import Report

MAGIC = b"SQLite format 3\x00"
BATCH = 500

#: Table → the columns that are read.
TABLES: Mapping[str, str] = {
    "threads": "thread_id workspace_id entry_agent_id status latest_run_id created_at updated_at",
    "runs": (
        "run_id thread_id agent_id execution_mode adapter_kind created_at updated_at state previous_state "
        "state_entered_at last_transition_at resumable checkpoint_ref"
    ),
    "thread_messages": "id thread_id role content_json run_id created_at",
    "events": "thread_id run_id sequence event_json created_at",
    "approvals": (
        "approval_id pending_action_id thread_id run_id tool_call_id tool_name status requested_at "
        "resolved_at allowed_decisions_json input_preview_json checkpoint_ref event_refs_json"
    ),
    "run_requests": "run_id thread_id request_json saved_at",
    "recovery_intents": "run_id thread_id intent_json saved_at",
    "artifacts": "artifact_id thread_id run_id kind path created_at",
}
#: What belongs to a run, and its order.
OF_RUN = {
    "events": "sequence",
    "approvals": "requested_at, approval_id",
    "run_requests": "saved_at",
    "recovery_intents": "saved_at",
    "artifacts": "created_at, artifact_id",
}
#: What names a row in a report.
KEYS = {
    "runs": "run_id",
    "thread_messages": "id",
    "events": "run_id",
    "approvals": "approval_id",
    "run_requests": "run_id",
    "recovery_intents": "run_id",
    "artifacts": "artifact_id",
}

Row = Mapping[str, Any]


class NotImportable(Exception):
    """The file is not what it has to be; `str()` is one sentence, and nothing was written."""


class CutOff(Exception):
    """The file could be read no further; `str()` is one sentence, `report` says what was written before."""

    report: Report


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """The file in one snapshot, checked. Raises NotImportable, and CutOff for what fails in the block."""
    _check_file(path)
    try:
        with closing(sqlite3.connect(_address(path), uri=True, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            # Bytes that are no UTF-8 become U+FFFD instead of an error in the middle.
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("BEGIN")
            _check(connection, path)
            try:
                yield Source(connection, path.resolve().parent)
            except sqlite3.DatabaseError as error:
                raise CutOff(f"{path} can be read no further: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise NotImportable(f"{path} cannot be read as a SQLite database: {error}.") from error


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise NotImportable(f"{path} is a folder; name the database file in it.")
        if not path.is_file():
            raise NotImportable(f"There is no file {path}.")
        with path.open("rb") as file:
            beginning = file.read(len(MAGIC))
    except OSError as error:
        raise NotImportable(f"{path} cannot be read: {error.strerror}.") from error
    if beginning != MAGIC:
        raise NotImportable(f"{path} is not a SQLite database.")


def _address(path: Path) -> str:
    """A file in WAL mode that nobody has open is read as it stands, or SQLite would make files beside it."""
    whole = path.resolve()
    with whole.open("rb") as file:
        wal = file.read(20)[18:20] == b"\x02\x02"
    log = whole.with_name(f"{whole.name}-wal")
    at_rest = wal and not (log.exists() and log.stat().st_size)
    return f"file:{quote(str(whole))}?mode=ro" + ("&immutable=1" if at_rest else "")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    if "runtime_metadata" not in tables:
        raise NotImportable(f"{path} is no runtime database: it has no table runtime_metadata.")
    if "django_migrations" in tables:
        raise NotImportable(f"{path} is a database of this product: restore it by copying, do not import it.")
    known = dict(connection.execute("SELECT key, value FROM runtime_metadata").fetchall())
    family, version = known.get("schema_family"), known.get("schema_version")
    if family != SCHEMA_FAMILY:
        raise NotImportable(f"{path} holds the schema family {_shown(family)}, not {SCHEMA_FAMILY!r}.")
    if str(version) != SCHEMA_VERSION:
        raise NotImportable(
            f"{path} has schema version {_shown(version)} of {SCHEMA_FAMILY}; only version "
            f"{SCHEMA_VERSION!r} can be imported."
        )
    for table, columns in TABLES.items():
        # A view or a virtual table computes its rows: it may never come to an end.
        if table not in tables or str(tables[table]).upper().startswith("CREATE VIRTUAL"):
            raise NotImportable(f"{path} is incomplete: it has no table {table}.")
        found = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        missing = [column for column in columns.split() if column not in found]
        if missing:
            raise NotImportable(f"{path} is incomplete: {table} lacks {', '.join(missing)}.")
    [problem] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise NotImportable(f"{path} is corrupt: {' '.join(str(problem).split())}")


def _shown(value: object) -> str:
    return repr(str(value)[:80]) if value is not None else "nothing"


class Source:
    """The rows of an open file; nothing is read before it is asked for."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self.folder = folder  #: where the file lies, and `threads/` beside it

    def threads(self) -> Iterator[Row]:
        return self._rows("threads", "ORDER BY created_at, thread_id")

    def runs(self, thread_id: str) -> Iterator[Row]:
        """In the order of their creation."""
        return self._rows("runs", "WHERE thread_id = ? ORDER BY created_at, run_id", thread_id)

    def messages(self, thread_id: str) -> Iterator[Row]:
        return self._rows("thread_messages", "WHERE thread_id = ? ORDER BY id", thread_id)

    def of_run(self, table: str, thread_id: str, run_id: str) -> Iterator[Row]:
        """A run's rows of a table, in order."""
        where = f"WHERE thread_id = ? AND run_id = ? ORDER BY {OF_RUN[table]}"
        return self._rows(table, where, thread_id, run_id)

    def has_pending(self, run_id: str) -> bool:
        """Whether a person is asked."""
        sql = "SELECT 1 FROM approvals WHERE run_id = ? AND status = 'pending' LIMIT 1"
        return self._connection.execute(sql, (run_id,)).fetchone() is not None

    def orphans(self) -> Iterator[tuple[str, str, str, int]]:
        """(table, example, reason, rows) of what belongs to no thread and run of the file."""
        for table in ("runs", "thread_messages"):
            yield from self._strays(table, "threads", "thread_id", "its thread is not there")
        for table in ("thread_messages", *OF_RUN):
            yield from self._strays(table, "runs", "run_id", "its run is not there")
            sql = "JOIN runs ON runs.run_id = here.run_id WHERE runs.thread_id <> here.thread_id"
            yield from self._counted(table, sql, "its run belongs to another thread")

    def _strays(
        self, table: str, other: str, column: str, reason: str
    ) -> Iterator[tuple[str, str, str, int]]:
        sql = (
            f"LEFT JOIN {other} AS there ON there.{column} = here.{column} "
            f"WHERE there.{column} IS NULL AND here.{column} IS NOT NULL"
        )
        yield from self._counted(table, sql, reason)

    def _counted(self, table: str, sql: str, reason: str) -> Iterator[tuple[str, str, str, int]]:
        question = f"SELECT min(here.{KEYS[table]}), count(*) FROM {table} AS here {sql}"  # noqa: S608 - ours
        example, count = self._connection.execute(question).fetchone()
        if count:
            yield table, str(example), reason, count

    def _rows(self, table: str, where: str, *values: str) -> Iterator[Row]:
        columns = ", ".join(TABLES[table].split())
        question = f"SELECT {columns} FROM {table} {where}"  # noqa: S608 - our own names
        cursor = self._connection.execute(question, values)
        while batch := cursor.fetchmany(BATCH):
            yield from (dict(row) for row in batch)
