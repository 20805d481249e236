"""Pages of a list by its sort key: no OFFSET and no COUNT, the place in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet

from runtime.events import iso
from runtime.models.keyset import past

M = TypeVar("M", bound=Model)
SIZE = 50
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the addresses of the pages beside them (empty: there is none)."""

    rows: Sequence[dict[str, Any]]
    back: str
    next: str


def read(
    query: QuerySet[M],
    get: Mapping[str, str],
    *,
    moment: str,
    key: str,
    columns: Sequence[str],
    oldest_first: bool = False,
    size: int = SIZE,
) -> Page:
    """A page of `query` in the order of `moment` and `key`. `get` may hold a place: `next` gives what follows
    it in that order, `back` what comes before it."""
    following, back = place(get.get("next")), place(get.get("back"))
    if following is None and back is not None:
        rows = _rows(query, moment, key, columns, not oldest_first, back, size)
        more_before, more_after = len(rows) > size, True
        rows = list(reversed(rows[:size]))
    else:
        rows = _rows(query, moment, key, columns, oldest_first, following, size)
        more_before, more_after = following is not None, len(rows) > size
        rows = rows[:size]
    link = _links({name: value for name, value in get.items() if name not in ("next", "back") and value})

    def at(row: dict[str, Any]) -> str:
        return f"{iso(row[moment])}~{row[key]}"

    return Page(
        rows=rows,
        back=link("back", at(rows[0])) if rows and more_before else "",
        next=link("next", at(rows[-1])) if rows and more_after else "",
    )


def place(text: str | None) -> tuple[datetime, str] | None:
    """A place in a list from an address; None for anything that is none."""
    if not text:
        return None
    stamp, _, key = text.partition("~")
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    # At the ends of the calendar a zone's offset leads out of it.
    sane = moment.tzinfo is not None and EARLIEST <= moment <= LATEST
    return (moment.astimezone(UTC), key) if sane and key and "\x00" not in key else None


def _rows(
    query: QuerySet[M],
    moment: str,
    key: str,
    columns: Sequence[str],
    rising: bool,
    at: tuple[datetime, str] | None,
    size: int,
) -> list[dict[str, Any]]:
    """One row more than fits, beyond `at`."""
    return list(past(query, moment, key, at, newest_first=not rising).values(*columns)[: size + 1])


def _links(kept: Mapping[str, str]) -> Callable[[str, str], str]:
    return lambda name, value: "?" + urlencode({**kept, name: value})
