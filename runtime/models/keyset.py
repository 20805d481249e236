"""Pages by keyset: the rows beyond the last one seen, found by index, without OFFSET and COUNT."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Q, QuerySet

Rows = TypeVar("Rows", bound=QuerySet[Any])


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
