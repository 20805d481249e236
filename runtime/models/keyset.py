"""Pages by keyset: the rows beyond the last one seen, found by index, without OFFSET and COUNT."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Q, QuerySet
from django.db.models.lookups import Exact
from django.db.models.sql.compiler import SQLCompiler

Rows = TypeVar("Rows", bound=QuerySet[Any])


class Beside(Func):
    """A column that is compared, but whose index is not entered on SQLite."""

    template = "%(expressions)s"
    arity = 1

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


def meeting(rows: Rows, given: Mapping[str, Any], *, narrow: Collection[str], wide: Collection[str]) -> Rows:
    """Those that meet every condition given; None: not given. `narrow`: conditions that few rows meet, so
    that the `wide` columns lead no search beside them."""
    asked = {name: value for name, value in given.items() if value is not None}
    if asked.keys().isdisjoint(narrow):
        return rows.filter(**asked)
    # Without statistics SQLite holds all indexes for equally good: it would go through all runs that are
    # completed, for the five of a thread.
    beside = [Exact(Beside(F(name)), asked.pop(name)) for name in wide if name in asked]
    return rows.filter(*beside, **asked)


def past(
    rows: Rows, moment: str, key: str, position: tuple[datetime, str | int] | None, *, newest_first: bool
) -> Rows:
    """Orders by (`moment`, `key`) and leaves out what comes up to `position`, the last row seen."""
    sign = "-" if newest_first else ""
    ordered = rows.order_by(f"{sign}{moment}", f"{sign}{key}")
    if position is None:
        return ordered
    seen, last = position
    side = "lt" if newest_first else "gt"
    # The first condition alone lets an index be entered at the place; an OR would scan up to it.
    beyond = Q(**{f"{moment}__{side}": seen}) | Q(**{f"{key}__{side}": last})
    return ordered.filter(Q(**{f"{moment}__{side}e": seen}), beyond)
