"""Copies of a run: for each of its rows a statement that inserts its copies, a few thousand at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, models

from runtime.benchmarks.filling.originals import WORD
from runtime.models import (
    Approval,
    Artifact,
    Checkpoint,
    DecisionRecord,
    Event,
    RecoveryIntent,
    Run,
    RunRequest,
    Thread,
    ThreadMessage,
    ToolCall,
)

#: Parents first.
TABLES: Sequence[type[models.Model]] = (
    Thread, Run, RunRequest, ThreadMessage, Event, ToolCall, Approval, DecisionRecord, RecoveryIntent,
    Checkpoint, Artifact,
)  # fmt: skip
GAP_SECONDS = 2  #: between one run and the next
MESSAGES = 16  #: keys that are kept for the messages of each copy
FIRST_MESSAGE = 1_000_000
#: Most of a run's bytes; no page reads them, and no copy is carried on.
LEFT_OUT = {"resolved_json": "{}"}

_NUMBERS = """
CREATE TEMPORARY TABLE copies (
    kind varchar(20) NOT NULL, age varchar(30) NOT NULL, head varchar(13) NOT NULL, tail varchar(10) NOT NULL,
    word varchar(20) NOT NULL, messages bigint NOT NULL)
"""
_NUMBER = "INSERT INTO copies (kind, age, head, tail, word, messages) VALUES (%s, %s, %s, %s, %s, %s)"


@dataclass(frozen=True)
class Statement:
    """What inserts the copies of one row."""

    sql: str
    values: tuple[Any, ...]


def begin() -> None:
    """Before the first copy of this connection."""
    _execute("DROP TABLE IF EXISTS copies")
    _execute(_NUMBERS)


def copy(statements: dict[str, list[Statement]], kinds: Sequence[str], numbers: range, last: int) -> None:
    """Copies with these numbers, from 1; each of its kind. Number `last` would be as old as its original."""
    now = datetime.now(UTC).timestamp()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM copies")
        mine = [kinds[n - 1] for n in numbers]
        cursor.executemany(
            _NUMBER, [_number(kind, n, last - n, now) for kind, n in zip(mine, numbers, strict=True)]
        )
        for kind in sorted(set(mine)):
            for statement in statements[kind]:
                cursor.execute(statement.sql, [*statement.values, kind])


def _number(kind: str, number: int, older: int, now: float) -> tuple[Any, ...]:
    seconds = older * GAP_SECONDS
    moment = f"{int((now - seconds) * 1000):012x}"  # what a time-ordered id begins with
    head = f"{moment[:8]}-{moment[8:]}"
    messages = FIRST_MESSAGE + number * MESSAGES
    return kind, f"-{seconds} seconds", head, f"{number:010x}", f"{WORD[:-7]}{number:07d}", messages


class Original:
    """A run with everything that belongs to it, as statements that copy it."""

    def __init__(self, run: Run) -> None:
        Thread.objects.filter(pk=run.thread_id).update(title=run.title)
        self._rows = [row for model in TABLES for row in _rows_of(model, run)]
        self._ids = list(dict.fromkeys(_ids_of(self._rows)))
        self._words = re.compile("|".join([*map(re.escape, self._ids), WORD]))
        self._first = min(row.pk for row in self._rows if isinstance(row, ThreadMessage))

    def statements(self) -> list[Statement]:
        return [self._statement(row) for row in self._rows]

    def _statement(self, row: models.Model) -> Statement:
        assert row._meta.pk is not None
        given_key = not isinstance(row._meta.pk, models.AutoField) or isinstance(row, ThreadMessage)
        fields = [f for f in row._meta.concrete_fields if given_key or f is not row._meta.pk]
        parts, values = [], []
        for field in fields:
            sql, own = self._expression(row, field)
            kind = field.rel_db_type(connection) if field is row._meta.pk else field.db_type(connection)
            parts.append(f"CAST({sql} AS {kind})" if connection.vendor == "postgresql" else sql)
            values += own
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(field.column)) for field in fields)
        table = quote(row._meta.db_table)
        sql = f"INSERT INTO {table} ({columns}) SELECT {', '.join(parts)} FROM copies WHERE kind = %s"  # noqa: S608
        return Statement(sql, tuple(values))

    def _expression(self, row: models.Model, field: models.Field[Any, Any]) -> tuple[str, list[Any]]:
        value = getattr(row, field.attname)
        if isinstance(value, datetime):
            return _shifted(connection.ops.adapt_datetimefield_value(value))
        if value is not None and _is_message(row, field):
            return f"copies.messages + {value - self._first}", []
        stored = LEFT_OUT.get(field.attname) or field.get_db_prep_save(value, connection)
        return self._text(stored) if isinstance(stored, str) else ("%s", [stored])

    def _text(self, text: str) -> tuple[str, list[Any]]:
        """The text with the copy's own keys and word."""
        parts: list[str] = []
        values: list[Any] = []
        place = 0
        for found in self._words.finditer(text):
            if found.start() > place:
                parts.append("%s")
                values.append(text[place : found.start()])
            parts.append("copies.word" if found[0] == WORD else self._key(found[0]))
            place = found.end()
        if place < len(text) or not parts:
            parts.append("%s")
            values.append(text[place:])
        if len(parts) == 1 or connection.vendor != "postgresql":
            return " || ".join(parts), values
        return " || ".join(f"CAST({part} AS text)" for part in parts), values

    def _key(self, old: str) -> str:
        """A key like the old one: made when the copy was, and no other's."""
        return f"copies.head || '{old[13:24]}' || copies.tail || '{self._ids.index(old):02x}'"


def _rows_of(model: type[models.Model], run: Run) -> Iterator[models.Model]:
    key = {"thread_id": run.thread_id} if model is Thread else {"run_id": run.run_id}
    yield from model._default_manager.filter(**key).order_by("pk")


def _ids_of(rows: Iterable[models.Model]) -> Iterator[str]:
    for row in rows:
        if isinstance(row.pk, str):
            yield row.pk
        if isinstance(row, Approval):
            yield row.pending_action_id


def _is_message(row: models.Model, field: models.Field[Any, Any]) -> bool:
    return field.attname == "message_id" or (isinstance(row, ThreadMessage) and field is row._meta.pk)


def _shifted(moment: Any) -> tuple[str, list[Any]]:
    if connection.vendor == "postgresql":
        return "CAST(%s AS timestamptz) + CAST(copies.age AS interval)", [moment]
    # SQLite's own calendar has no microseconds; whole seconds leave them as they are.
    seconds = "strftime('%%Y-%%m-%%d %%H:%%M:%%S', %s, copies.age) || %s"
    return seconds, [moment[:19], moment[19:]]


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
