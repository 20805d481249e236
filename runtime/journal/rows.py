"""Writing records by statements that are compiled once for each table, as `models.rows` reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from django.db import connection, models

from runtime.models.rows import db_time, execute, in_transaction, vendor

Prepare = Callable[[Any], Any]


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))


#: Fields whose values are given to the database as they are.
_PLAIN = {
    models.CharField,
    models.TextField,
    models.BigAutoField,
    models.BigIntegerField,
    models.BinaryField,
    models.BooleanField,
    models.FloatField,
    models.IntegerField,
    models.PositiveIntegerField,
    models.SmallIntegerField,
}


def _preparation(field: Any) -> Prepare | None:
    """How a field's value becomes a parameter; None: it is one."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if type(target) in _PLAIN:
        return None
    if isinstance(target, models.DateTimeField):
        return _time
    if vendor() == "sqlite" and isinstance(target, models.JSONField):
        return _json
    return partial(_by_django, field)


def _time(moment: datetime | None) -> Any:
    return None if moment is None else db_time(moment.astimezone(UTC))


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _by_django(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


class _Writer:
    """How the records of one table are written."""

    def __init__(self, model: type[models.Model]) -> None:
        fields = model._meta.concrete_fields
        key = model._meta.pk
        assert key is not None
        self.made_key = key if isinstance(key, models.AutoField) else None  #: by the database
        self._columns = {field.attname: (_quoted(field.column), _preparation(field)) for field in fields}
        self._inserted = [
            (field.attname, _preparation(field)) for field in fields if field is not self.made_key
        ]
        self._table, self._key = _quoted(model._meta.db_table), _quoted(key.column)
        columns = ", ".join(self._columns[name][0] for name, _ in self._inserted)
        marks = ", ".join(["%s"] * len(self._inserted))
        back = f" RETURNING {self._key}" if self.made_key else ""
        self.insertion = f"INSERT INTO {self._table} ({columns}) VALUES ({marks}){back}"  # noqa: S608 - ours

    def values(self, record: models.Model) -> list[Any]:
        """The parameters of `insertion`."""
        has = record.__dict__
        return [has[name] if how is None else how(has[name]) for name, how in self._inserted]

    def update(self, names: Iterable[str]) -> str:
        """The statement that writes these attributes; the last parameter is the key."""
        sets = ", ".join(f"{self._columns[name][0]} = %s" for name in names)
        return f"UPDATE {self._table} SET {sets} WHERE {self._key} = %s"  # noqa: S608 - our own names

    def prepared(self, name: str, value: Any) -> Any:
        """A value as a parameter."""
        how = self._columns[name][1]
        return value if how is None else how(value)


@cache
def _writer(model: type[models.Model], kind: str) -> _Writer:
    return _Writer(model)


def insert(record: models.Model) -> None:
    """Inserts the record, never replaces one; a key that the database makes is filled in."""
    assert in_transaction()
    how = _writer(type(record), vendor())
    made = execute(how.insertion, how.values(record))
    if how.made_key is not None:
        setattr(record, how.made_key.attname, made.rows[0][0])
    record._state.adding = False


def update(record: models.Model, names: Iterable[str]) -> None:
    """Writes these attributes of the record into its row."""
    how, wanted = _writer(type(record), vendor()), list(names)
    values = [how.prepared(name, getattr(record, name)) for name in wanted]
    change_rows(how.update(wanted), [*values, record.pk])


def change_rows(statement: str, parameters: Iterable[Any]) -> int:
    """Runs one statement that changes rows; gives how many."""
    assert in_transaction()
    return execute(statement, parameters).changed
