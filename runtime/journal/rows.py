"""Writing records by statements that are compiled once for each table, as `models.rows` reads them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from runtime.models.rows import execute


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))


#: Fields whose values are given to the database as they are.
_PLAIN = {
    models.CharField,
    models.TextField,
    models.BigAutoField,
    models.BigIntegerField,
    models.FloatField,
    models.IntegerField,
    models.PositiveIntegerField,
    models.SmallIntegerField,
}


def _is_plain(field: Any) -> bool:
    return type(field.target_field if isinstance(field, models.ForeignKey) else field) in _PLAIN


class _Inserter:
    """How a record is inserted into one table."""

    def __init__(self, model: type[models.Model]) -> None:
        fields = model._meta.concrete_fields
        key = model._meta.pk
        self.made_key = key if isinstance(key, models.AutoField) else None  #: by the database
        self.fields = [field for field in fields if field is not self.made_key]
        self._prepared = [(field.attname, None if _is_plain(field) else field) for field in self.fields]
        columns = ", ".join(_quoted(field.column) for field in self.fields)
        marks = ", ".join(["%s"] * len(self.fields))
        back = f" RETURNING {_quoted(self.made_key.column)}" if self.made_key else ""
        table = _quoted(model._meta.db_table)
        self.statement = f"INSERT INTO {table} ({columns}) VALUES ({marks}){back}"  # noqa: S608 - our own names

    def values(self, record: models.Model) -> list[Any]:
        wrapper = connections[DEFAULT_DB_ALIAS]
        return [
            getattr(record, name) if field is None else field.get_db_prep_save(getattr(record, name), wrapper)
            for name, field in self._prepared
        ]


@cache
def _inserter(model: type[models.Model], vendor: str) -> _Inserter:
    return _Inserter(model)


def insert(record: models.Model) -> None:
    """Inserts the record, never replaces one; a key that the database makes is filled in."""
    how = _inserter(type(record), connection.vendor)
    made = execute(how.statement, how.values(record))
    if how.made_key is not None:
        setattr(record, how.made_key.attname, made.rows[0][0])
    record._state.adding = False


@cache
def _columns(model: type[models.Model]) -> dict[str, tuple[str, Any]]:
    """Name -> quoted column and field."""
    fields = model._meta.concrete_fields
    return {field.attname: (_quoted(field.column), field) for field in fields}


def update(record: models.Model, names: Iterable[str]) -> None:
    """Writes these attributes of the record into its row."""
    columns = _columns(type(record))
    wanted = [(*columns[name], getattr(record, name)) for name in names]
    key, table = record._meta.pk, _quoted(record._meta.db_table)
    assert key is not None
    sets = ", ".join(f"{column} = %s" for column, _, _ in wanted)
    values = [field.get_db_prep_save(value, connection) for _, field, value in wanted]
    statement = f"UPDATE {table} SET {sets} WHERE {_quoted(key.column)} = %s"  # noqa: S608 - our own names
    change_rows(statement, [*values, record.pk])


def change_rows(statement: str, parameters: Iterable[Any]) -> int:
    """Runs one statement that changes rows; gives how many."""
    return execute(statement, parameters).changed
