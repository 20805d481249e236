"""A page of a list costs the same at any length, whatever it is filtered by: an index leads to its first row,
and holds the order, so that nothing is sorted."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runtime.api import paging
from runtime.api.approvals import ApprovalFilters
from runtime.api.runs import RunFilters
from runtime.models import Approval, Run
from runtime.web import runs as runs_page
from tests.api.conftest import API, Caller

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

RUNS = {
    "state": "completed",
    "agent": "direct",
    "thread": "a-thread",
    "since": "2026-01-01T00:00:00Z",
    "until": "2027-01-01T00:00:00Z",
    "progress": "slot",
}
APPROVALS = {
    "status": "expired",
    "run": "a-run",
    "thread": "a-thread",
    "tool": "write_file",
    "agent": "direct",
}
#: Each list by its address: the filters that it offers beside the search.
LISTS: dict[str, tuple[str, ...]] = {
    f"{API}/runs": ("state", "agent", "thread", "since", "until"),
    f"{API}/threads": (),
    f"{API}/approvals": tuple(APPROVALS),
    "/runs/": tuple(RUNS),
    "/threads/": (),
    "/approvals/": ("status", "tool", "run"),
    "/doubts/": (),
}
AT = datetime(2026, 6, 1, tzinfo=UTC)


def offered(path: str) -> list[dict[str, str]]:
    """Every filter of a list, and every two of them."""
    values = RUNS if "runs" in path else APPROVALS
    names = [chosen for count in (0, 1, 2) for chosen in combinations(LISTS[path], count)]
    given = [{name: values[name] for name in chosen} for chosen in names]
    if path == "/approvals/":  # the other way round, and without the status that it otherwise takes
        given += [{**each, "status": status} for each in given for status in ("pending", "all")]
    return given


def further(path: str) -> dict[str, str]:
    """What leads to the next page."""
    if path.startswith(API):
        return {"cursor": paging.after(path.rpartition("/")[2], AT, "an-id")}
    return {"next": f"{AT.isoformat()}~an-id"}


@pytest.fixture
def client(reading: Caller, viewer: User) -> Client:
    """Reads the API and the pages."""
    client = Client(headers=reading.headers)
    client.force_login(viewer)
    return client


def plan(client: Client, path: str, given: dict[str, str]) -> list[str]:
    """How the store finds the rows of the list."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"{path}?{urlencode(given)}").status_code == 200
    [query] = [q["sql"] for q in asked if q["sql"].endswith((" LIMIT 51", " LIMIT 11"))]
    with connection.cursor() as cursor:
        return [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()]


def test_defect_14__these_are_all_filters_that_there_are() -> None:
    beside = {"limit", "cursor", "q"}
    assert {*LISTS[f"{API}/runs"]} == RunFilters.model_fields.keys() - beside
    assert {*LISTS[f"{API}/approvals"]} == ApprovalFilters.model_fields.keys() - beside
    assert {*LISTS[f"{API}/threads"]} == paging.Paged.model_fields.keys() - beside
    assert {*LISTS["/runs/"]} == {*runs_page.NAMES} - beside


@pytest.mark.parametrize("path", LISTS)
def test_defect_14__a_page_costs_the_same_at_any_length(client: Client, path: str) -> None:
    slow = {}
    for given in offered(path):
        for place in ({}, further(path)):
            found = plan(client, path, given | place)
            if not all("USING" in line and "B-TREE" not in line and "OR" not in line for line in found):
                slow[urlencode(given | place)] = found
    assert slow == {}


@pytest.mark.parametrize("path", [f"{API}/runs", "/runs/"])
def test_defect_14__a_search_reads_no_more_than_it_found(client: Client, path: str) -> None:
    for name in (*LISTS[path], ""):
        found = plan(client, path, {"q": "bees"} | ({name: RUNS[name]} if name else {}))
        leads = ["(run_id=?)", "runs_thread_updated (thread_id=?)"]
        leads += ["runs_state_updated (state=?)"] if name == "progress" else []  # the few that are queued
        assert found[0].startswith("SEARCH runs USING INDEX "), (name, found)
        assert found[0].endswith(tuple(leads)), (name, found)


@pytest.mark.parametrize(
    ("model", "given", "index"),
    [
        (Run, {"thread": "t", "state": "completed"}, "runs_thread_updated (thread_id=?)"),
        (Run, {"thread": "t", "agent": "a"}, "runs_thread_updated (thread_id=?)"),
        (Run, {"state": "failed", "agent": "a"}, "runs_agent_state (agent_id=? AND state=?)"),
        (Approval, {"status": "expired", "tool": "t"}, "approvals_tool_status (tool_name=? AND status=?)"),
        (Approval, {"status": "pending", "agent": "a"}, "approvals_agent_status (agent_id=? AND status=?)"),
        (Approval, {"status": "approved", "thread": "t"}, "approvals_thread (thread_id=?)"),
        (Approval, {"tool": "t", "thread": "t"}, "approvals_thread (thread_id=?)"),
        (Approval, {"agent": "a", "run": "r"}, "approvals_run (run_id=?)"),
        (Approval, {"run": "r", "thread": "t"}, "approvals_thread_run (thread_id=? AND run_id=?)"),
    ],
)
def test_defect_14__the_filter_that_leaves_fewest_leads(
    model: Any, given: dict[str, str], index: str
) -> None:
    rows = model.objects.matching(**given)
    listed = rows.for_list() if model is Run else rows.in_order()
    assert listed.explain().endswith(f"USING INDEX {index}"), listed.explain()
