"""Pages cost the same over a million records: what they ask is found by an index that leads to the place."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runtime.models import Run, Thread
from tests.web.conftest import Ask, Page, start

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
BIG = ("runs", "threads", "events", "approvals", "tool_calls", "thread_messages", "checkpoints")
AT = "2026-01-01T00:00:00.000000Z~01990000-0000-7000-8000-000000000000"


def plans(user: User, url: str) -> dict[str, list[str]]:
    """SQLite's plan of every question that the page asks."""
    with CaptureQueriesContext(connection) as caught:
        assert Page(user).get(url).status_code == 200
    asked = [query["sql"] for query in caught.captured_queries if query["sql"].startswith("SELECT")]
    with connection.cursor() as cursor:
        return {
            sql: [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()] for sql in asked
        }


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/runs/",
        "/runs/?state=completed",
        "/runs/?agent=direct",
        "/runs/?progress=person",
        "/runs/?q=bees",
        "/approvals/",
        "/approvals/?status=all",
        "/threads/",
        "/threads/?q=bees",
        "/doubts/",
    ],
)
def test_it_reads_no_big_table_from_end_to_end(viewer: User, ask: Ask, url: str) -> None:
    ask()
    for sql, plan in plans(viewer, url).items():
        whole = [step for step in plan for table in BIG if step == f"SCAN {table}"]
        assert whole == [], (sql, plan)


@pytest.mark.parametrize(
    ("url", "index"),
    [
        (f"/runs/?next={AT}", "runs_updated (updated_at<?)"),
        (f"/runs/?back={AT}", "runs_updated (updated_at>?)"),
        (f"/runs/?state=completed&next={AT}", "runs_state_updated (state=? AND updated_at<?)"),
        (f"/threads/?next={AT}", "threads_updated (updated_at<?)"),
        (f"/approvals/?status=all&next={AT}", "approvals_requested (requested_at<?)"),
    ],
)
def test_it_enters_a_deep_page_at_its_place(viewer: User, url: str, index: str) -> None:
    found = [step for plan in plans(viewer, url).values() for step in plan]
    assert any(step.endswith(f"USING INDEX {index}") for step in found), found


def test_the_page_of_a_run_does_not_go_through_all_that_wait(reviewer: User, ask: Ask) -> None:
    run = ask().run
    for url in (f"/runs/{run.pk}/", "/runs/?progress=person"):
        for sql, plan in plans(reviewer, url).items():
            if "count(*)" not in sql:
                assert not any("approvals_status" in step for step in plan), (sql, plan)


@pytest.mark.parametrize("url", ["/runs/", "/runs/?progress=person", "/approvals/", "/threads/"])
def test_it_counts_nothing_but_what_runs(viewer: User, ask: Ask, url: str) -> None:
    ask()
    asked = plans(viewer, url)
    assert all("state = 'running'" in sql for sql in asked if "count(" in sql.lower())
    assert any(sql.endswith("FROM counters") for sql in asked)


def test_it_finds_threads_by_the_words_and_ids_of_their_runs(viewer: User) -> None:
    bees, other = start("Bees and flowers"), start("Something else")
    for text in ("flow", bees.pk, bees.thread_id):
        found = Thread.objects.all().with_words(text)
        assert [thread.pk for thread in found] == [bees.thread_id]
    assert Run.objects.filter(thread_id=other.thread_id).exists()
