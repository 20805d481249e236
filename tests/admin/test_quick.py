"""Lists of records cost the same at any size of their table."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runtime.admin import record
from runtime.models import Approval, Event, Run
from tests.admin.conftest import RECORDS, list_url, make_run


def statements(desk: Client, url: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert desk.get(url).status_code == 200
    return [query["sql"] for query in caught.captured_queries if query["sql"].startswith("SELECT")]


def test_it_asks_the_same_number_of_questions_for_any_number_of_rows(desk: Client, story: Run) -> None:
    few = {kind: len(statements(desk, list_url(kind))) for kind in RECORDS}
    for number in range(10):
        make_run(f"another {number}")
    assert {kind: len(statements(desk, list_url(kind))) for kind in RECORDS} == few


def test_it_counts_only_as_far_as_it_leafs(desk: Client, story: Run) -> None:
    for kind in RECORDS:
        counts = [sql for sql in statements(desk, list_url(kind)) if "COUNT(" in sql]
        assert len(counts) == 1, kind
        assert f"LIMIT {record.WITHIN_REACH}" in counts[0], kind


def test_it_stops_counting(desk: Client, story: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "WITHIN_REACH", 3)
    assert "The first 3" in desk.get(list_url(Event)).content.decode()


@pytest.mark.parametrize(
    "url",
    [
        list_url(Event),
        list_url(Event, run__exact="01990000-0000-7000-8000-000000000000"),
        list_url(Run),
        list_url(Run, state__exact="failed"),
        list_url(Run, q="01990000-0000-7000-8000-000000000000"),
        list_url(Approval),
        list_url(Approval, status__exact="pending"),
    ],
)
def test_it_reads_big_tables_by_index(desk: Client, story: Run, url: str) -> None:
    wanted = ("events", "runs", "approvals")
    for sql in statements(desk, url):
        if any(f'FROM "{table}"' in sql for table in wanted):
            with connection.cursor() as cursor:
                plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]
            sorted_whole = [step for step in plan if step == "USE TEMP B-TREE FOR ORDER BY"]
            assert "q=" in url or sorted_whole == [], (sql, plan)
            assert "q=" not in url or not any(step.startswith("SCAN runs") for step in plan), (sql, plan)


@pytest.mark.parametrize("name", ["event_json", "output", "error", "request_json", "arguments_json"])
def test_it_leaves_long_values_in_the_database(desk: Client, story: Run, name: str) -> None:
    for kind in RECORDS:
        assert all(f'"{name}"' not in sql for sql in statements(desk, list_url(kind)))
