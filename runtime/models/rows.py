"""Records by statements that are compiled once for each table: what a run costs is mostly what its rows cost.

Django's querysets build and compile their SQL anew each time, which takes many times as long as the database
does. These read the same columns through the same converters into the same models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

Record = TypeVar("Record", bound=models.Model)
Converter = Callable[[Any, Any, Any], Any]


class Answer(NamedTuple):
    """What a statement brought."""

    rows: list[tuple[Any, ...]]  #: of a SELECT or RETURNING
    changed: int  #: how many rows it changed


def execute(statement: str, parameters: Iterable[Any]) -> Answer:
    """Runs a statement of our own, `%s` for each parameter, which is as the database takes it."""
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    watched = wrapper.queries_logged or wrapper.execute_wrappers
    if wrapper.vendor == "sqlite" and not watched and not wrapper.needs_rollback:
        # Straight to the driver: Django's cursors cost about as much as the statement.
        if wrapper.connection is None:
            wrapper.connect()
        with wrapper.wrap_database_errors:
            found = wrapper.connection.execute(_marked(statement), tuple(parameters))
            return Answer(found.fetchall(), found.rowcount)
    with wrapper.cursor() as cursor:
        cursor.execute(statement, list(parameters))
        return Answer(list(cursor.fetchall()) if cursor.description else [], cursor.rowcount)


@lru_cache(maxsize=1024)
def _marked(statement: str) -> str:
    """With the parameters' marks as SQLite writes them; `%%` is a percent sign."""
    return statement.replace("%s", "?").replace("%%", "%")


class _Reader:
    """How one table is read on one kind of database."""

    def __init__(self, model: type[models.Model]) -> None:
        compiler = model._default_manager.order_by().query.get_compiler(connection=connection)
        self.select = compiler.as_sql()[0]
        fields = model._meta.concrete_fields
        self.names = [field.attname for field in fields]
        found = compiler.get_converters([item[0] for item in compiler.select])
        self.converters: list[tuple[int, list[Converter], Any]] = [
            (place, list(each), expression) for place, (each, expression) in found.items()
        ]

    def record(self, model: type[Record], values: Sequence[Any]) -> Record:
        row = list(values)
        for place, converters, expression in self.converters:
            for convert in converters:
                row[place] = convert(row[place], expression, connection)
        return model.from_db(connection.alias, self.names, row)


@cache
def _reader(model: type[models.Model], vendor: str) -> _Reader:
    return _Reader(model)


def every(model: type[Record], conditions: str, parameters: Iterable[Any]) -> list[Record]:
    """The records of a table for which `conditions` hold: SQL from WHERE on, `%s` for each parameter."""
    reader = _reader(model, connection.vendor)
    found = execute(f"{reader.select} WHERE {conditions}", parameters)
    return [reader.record(model, row) for row in found.rows]


def one(model: type[Record], conditions: str, parameters: Iterable[Any]) -> Record | None:
    """The first of them, or None."""
    found = every(model, conditions, parameters)
    return found[0] if found else None


def select(statement: str, parameters: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Plain rows of a SELECT, as the database gives them."""
    assert statement.startswith("SELECT ")
    return execute(statement, parameters).rows


def db_time(moment: datetime) -> Any:
    """A time as a parameter of hand-written SQL."""
    return connection.ops.adapt_datetimefield_value(moment)


def lock() -> str:
    """What follows a condition to lock its row until the transaction ends, so that others may still point
    to it; SQLite has one writer at a time anyway."""
    return " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
