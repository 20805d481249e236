"""Records by statements that are compiled once for each table: what a run costs is mostly what its rows cost.

Django's querysets build and compile their SQL anew each time, which takes many times as long as the database
does. These read the same columns into the same models.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.base import ModelState

Record = TypeVar("Record", bound=models.Model)
Convert = Callable[[Any], Any]


class Answer(NamedTuple):
    """What a statement brought."""

    rows: list[tuple[Any, ...]]  #: of a SELECT or RETURNING
    changed: int  #: how many rows it changed


class _Here(threading.local):
    """Django's wrapper of this thread's connection. Its own way there costs as much as a short statement."""

    def __init__(self) -> None:
        self.wrapper: Any = connections[DEFAULT_DB_ALIAS]


_here = _Here()


def execute(statement: str, parameters: Iterable[Any]) -> Answer:
    """Runs a statement of our own, `%s` for each parameter, which is as the database takes it."""
    wrapper = _here.wrapper
    watched = wrapper.force_debug_cursor or wrapper.execute_wrappers
    if wrapper.vendor == "sqlite" and not watched and not wrapper.needs_rollback:
        # Straight to the driver: Django's cursors cost about as much as the statement.
        if wrapper.connection is None:
            wrapper.connect()
        try:
            found = wrapper.connection.execute(_marked(statement), tuple(parameters))
            return Answer(found.fetchall(), found.rowcount)
        except wrapper.Database.Error:
            with wrapper.wrap_database_errors:
                raise
    with wrapper.cursor() as cursor:
        cursor.execute(statement, list(parameters))
        return Answer(list(cursor.fetchall()) if cursor.description else [], cursor.rowcount)


@lru_cache(maxsize=1024)
def _marked(statement: str) -> str:
    """With the parameters' marks as SQLite writes them; `%%` is a percent sign."""
    return statement.replace("%s", "?").replace("%%", "%")


def _moment(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


#: How what Django's SQLite driver gives becomes a field's value, where that is plain.
_SQLITE: dict[type[Any], Convert] = {
    models.DateTimeField: _moment,
    models.JSONField: json.loads,
    models.BooleanField: bool,
}


class _Reader:
    """How one table is read on one kind of database."""

    def __init__(self, model: type[models.Model]) -> None:
        compiler = model._default_manager.order_by().query.get_compiler(connection=connection)
        self.select = compiler.as_sql()[0]
        self.columns = ", ".join(compiler.compile(expression)[0] for expression, _, _ in compiler.select)
        fields = model._meta.concrete_fields
        self.names = [field.attname for field in fields]
        found = compiler.get_converters([item[0] for item in compiler.select])
        self.converters: list[tuple[int, Convert]] = [
            (place, self._convert(fields[place], list(each), expression))
            for place, (each, expression) in found.items()
        ]

    @staticmethod
    def _convert(field: Any, converters: list[Any], expression: Any) -> Convert:
        if connection.vendor == "sqlite":
            plain = next((how for kind, how in _SQLITE.items() if isinstance(field, kind)), None)
            if plain is not None:
                return plain
        return partial(_by_django, converters, expression)

    def record(self, model: type[Record], values: Sequence[Any]) -> Record:
        row = list(values)
        for place, convert in self.converters:
            if row[place] is not None:
                row[place] = convert(row[place])
        # As Django makes one, but for the signals that nobody listens to and defaults that do not apply.
        record = model.__new__(model)
        record.__dict__.update(zip(self.names, row, strict=True))
        record._state = ModelState()
        record._state.adding, record._state.db = False, DEFAULT_DB_ALIAS
        return record


def _by_django(converters: list[Any], expression: Any, value: Any) -> Any:
    for convert in converters:
        value = convert(value, expression, connection)
    return value


@cache
def _reader(model: type[models.Model], vendor: str) -> _Reader:
    return _Reader(model)


def every(model: type[Record], conditions: str, parameters: Iterable[Any]) -> list[Record]:
    """The records of a table for which `conditions` hold: SQL from WHERE on, `%s` for each parameter."""
    reader = _reader(model, vendor())
    found = execute(f"{reader.select} WHERE {conditions}", parameters)
    return [reader.record(model, row) for row in found.rows]


def one(model: type[Record], conditions: str, parameters: Iterable[Any]) -> Record | None:
    """The first of them, or None."""
    found = every(model, conditions, parameters)
    return found[0] if found else None


def changed(model: type[Record], change: str, parameters: Iterable[Any]) -> Record | None:
    """The record that an UPDATE statement changed, as it is then; None when it changed none."""
    reader = _reader(model, vendor())
    found = execute(f"{change} RETURNING {reader.columns}", parameters).rows
    return reader.record(model, found[0]) if found else None


def select(statement: str, parameters: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Plain rows of a SELECT, as the database gives them."""
    assert statement.startswith("SELECT ")
    return execute(statement, parameters).rows


def vendor() -> str:
    """`sqlite` or `postgresql`."""
    return str(_here.wrapper.vendor)


def in_transaction() -> bool:
    """Whether this thread has one open."""
    return bool(_here.wrapper.in_atomic_block)


def db_time(moment: datetime) -> Any:
    """A time in UTC as a parameter of hand-written SQL."""
    if vendor() == "sqlite":
        return str(moment.replace(tzinfo=None))
    return connection.ops.adapt_datetimefield_value(moment)


def lock() -> str:
    """What follows a condition to lock its row until the transaction ends, so that others may still point
    to it; SQLite has one writer at a time anyway."""
    return " FOR NO KEY UPDATE" if vendor() == "postgresql" else ""
