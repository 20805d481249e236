"""Pages of lists: `limit` and an opaque `cursor`, which names the last row that was seen."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field

from runtime.api.problems import Problem
from runtime.models.base import ID_LENGTH

MAX_LIMIT = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FARTHEST = 10**17  #: microseconds, beyond the year 5000

Item = TypeVar("Item")
Position = tuple[datetime, str]


class Paged(BaseModel):
    """Query parameters of every list."""

    model_config = ConfigDict(frozen=True)

    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="How many items at most.")
    cursor: str | None = Field(
        None,
        min_length=4,
        max_length=300,
        pattern=r"^W[A-Za-z0-9_-]+$",
        description="`next_cursor` of the page before, unchanged; left out for the first page.",
    )


class Page(BaseModel, Generic[Item]):
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None


def position(kind: str, cursor: str | None) -> Position | None:
    """Time and id of the last row seen, from a cursor of this kind of list; any other text is a 422."""
    if cursor is None:
        return None
    match _decode(cursor):
        case [str(found), int(micros), str(key)] if found == kind and 0 <= micros < FARTHEST:
            if key.isprintable() and len(key) <= ID_LENGTH:
                return EPOCH + timedelta(microseconds=micros), key
    raise _not_ours()


def number(kind: str, cursor: str | None) -> int | None:
    """The same for lists that count their rows."""
    if cursor is None:
        return None
    match _decode(cursor):
        case [str(found), int(value)] if found == kind and 0 <= value < 2**31:
            return value
    raise _not_ours()


def whole_number(key: str) -> int:
    """The id of a position as a number; raises a 422 when it is none."""
    if key.isascii() and key.isdigit() and len(key) <= 18:
        return int(key)
    raise _not_ours()


def after(kind: str, moment: datetime, key: str) -> str:
    """The cursor that goes on after this row."""
    return _encode([kind, (moment - EPOCH) // timedelta(microseconds=1), key])


def after_number(kind: str, value: int) -> str:
    return _encode([kind, value])


def page(
    rows: QuerySet[Any] | list[Any], limit: int, show: Callable[[Any], Any], cursor: Callable[[Any], str]
) -> dict[str, Any]:
    """A page of the rows; one row beyond the limit is read to know whether there is more."""
    found = list(rows[: limit + 1])
    shown = found[:limit]
    return {
        "items": [show(row) for row in shown],
        "next_cursor": cursor(shown[-1]) if len(found) > limit else None,
    }


def _encode(value: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


def _decode(cursor: str) -> Any:
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        value = orjson.loads(text)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    # Exactly what we would write: base64 has several spellings of one value.
    return value if isinstance(value, list) and _encode(value) == cursor else None


def _not_ours() -> Problem:
    sentence = "This is no cursor of this list; send back next_cursor unchanged."
    return Problem(422, f"cursor: {sentence}", title="Invalid input", errors={"cursor": sentence})
