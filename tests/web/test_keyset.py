"""Pages by key: every row once, in both directions, also when many share a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from runtime.models import Thread
from runtime.web import keyset

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)


def listed(query: str = "", oldest_first: bool = False) -> keyset.Page:
    return keyset.read(
        Thread.objects.all(),
        dict(parse_qsl(query.lstrip("?"))),
        moment="updated_at",
        key="thread_id",
        columns=("thread_id", "updated_at"),
        oldest_first=oldest_first,
        size=4,
    )


@pytest.fixture
def threads() -> list[str]:
    """Eleven threads, three to a moment."""
    made = [
        Thread.objects.create(
            thread_id=f"t{n:02}", status="completed", updated_at=START + timedelta(hours=n // 3)
        )
        for n in range(11)
    ]
    return [thread.thread_id for thread in made]


@pytest.mark.parametrize("oldest_first", [True, False])
def test_it_shows_every_row_once_there_and_back(threads: list[str], oldest_first: bool) -> None:
    expected = threads if oldest_first else list(reversed(threads))
    pages = [listed(oldest_first=oldest_first)]
    while pages[-1].next:
        pages.append(listed(pages[-1].next, oldest_first))
    ids = [[row["thread_id"] for row in page.rows] for page in pages]
    assert [name for page in ids for name in page] == expected
    assert pages[0].back == ""
    for before, page in zip(ids, pages[1:], strict=False):
        back = listed(page.back, oldest_first)
        assert [row["thread_id"] for row in back.rows] == before
        assert back.next


@pytest.mark.parametrize(
    "spot",
    [
        "x",
        "~",
        "2026-01-01~a",
        "2026-01-01T00:00:00Z~",
        "2026-01-01T00:00:00Z~a\x00",
        "0001-01-01T00:00:00+14:00~a",
        "9999-12-31T23:59:59-14:00~a",
    ],
)
def test_it_takes_a_place_that_is_none_as_the_beginning(threads: list[str], spot: str) -> None:
    page = keyset.read(
        Thread.objects.all(),
        {"next": spot},
        moment="updated_at",
        key="thread_id",
        columns=("thread_id", "updated_at"),
        size=4,
    )
    assert page.rows[0]["thread_id"] == "t10"


def test_it_keeps_the_filters_in_its_links(threads: list[str]) -> None:
    page = keyset.read(
        Thread.objects.all(),
        {"q": "a b", "state": ""},
        moment="updated_at",
        key="thread_id",
        columns=("thread_id", "updated_at"),
        size=4,
    )
    assert page.next.startswith("?q=a+b&next=")
