"""Rows that are left out of an import, with a reason; and what the pages make of the others."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User

from runtime.models import Run
from runtime.upkeep.imports import import_reference
from runtime.upkeep.verify import verify
from tests.upkeep.imports.reference import Reference
from tests.web.conftest import Page

pytestmark = pytest.mark.django_db

ORPHANS: list[tuple[str, str, str]] = [
    ("runs", "UPDATE runs SET thread_id = 'gone' WHERE run_id = 'r2'", "its thread is not there"),
    ("events", "UPDATE events SET run_id = 'gone' WHERE run_id = 'r2'", "its run is not there"),
    (
        "events",
        "UPDATE events SET thread_id = 't2' WHERE run_id = 'r2'",
        "its run belongs to another thread",
    ),
    ("approvals", "UPDATE approvals SET run_id = 'gone'", "its run is not there"),
    ("approvals", "UPDATE approvals SET thread_id = 't1'", "its run belongs to another thread"),
    ("run_requests", "UPDATE run_requests SET thread_id = 't2'", "its run belongs to another thread"),
    (
        "recovery_intents",
        "UPDATE recovery_intents SET run_id = 'r3'",
        "its run belongs to another thread",
    ),
    ("artifacts", "UPDATE artifacts SET run_id = 'r3'", "its run belongs to another thread"),
    ("thread_messages", "UPDATE thread_messages SET run_id = 'gone'", "its run is not there"),
    ("thread_messages", "UPDATE thread_messages SET thread_id = 'gone'", "its thread is not there"),
]


@pytest.mark.parametrize(("table", "sql", "why"), ORPHANS)
def test_it_leaves_orphans_and_strays_out(reference: Reference, table: str, sql: str, why: str) -> None:
    reference.do(sql)
    report = import_reference(reference.path)
    assert (table, why) in report.skipped
    assert verify().differences == []


ROWS: list[tuple[str, str, str]] = [
    (
        "threads",
        "UPDATE threads SET thread_id = '../x' WHERE thread_id = 't1'",
        "its thread_id cannot be an id",
    ),
    ("threads", "UPDATE threads SET created_at = 'soon' WHERE thread_id = 't1'", "its created_at is no time"),
    (
        "threads",
        "UPDATE threads SET thread_id = 'thr\u00e9ad' WHERE thread_id = 't1'",
        "its thread_id cannot be an id",
    ),
    ("runs", "UPDATE runs SET run_id = '..' WHERE run_id = 'r1'", "its run_id cannot be an id"),
    ("runs", "UPDATE runs SET run_id = '' WHERE run_id = 'r1'", "its run_id has no 1 to 64 characters"),
    ("runs", "UPDATE runs SET agent_id = '{long}' WHERE run_id = 'r1'", "its agent_id has more than 200"),
    ("events", "UPDATE events SET sequence = 2 WHERE run_id = 'r1'", "its sequence is repeated"),
    ("events", "UPDATE events SET sequence = -1 WHERE run_id = 'r1'", "its sequence is no number"),
    ("events", "UPDATE events SET event_json = '{{' WHERE run_id = 'r1'", "its event_json is no JSON"),
    ("events", "UPDATE events SET event_json = '[1]' WHERE run_id = 'r1'", "it does not say its type"),
    (
        "thread_messages",
        "UPDATE thread_messages SET content_json = 'x' WHERE id = 1",
        "its content_json is no JSON",
    ),
    ("approvals", "UPDATE approvals SET input_preview_json = 'NaN'", "its input_preview_json is no JSON"),
    ("run_requests", "UPDATE run_requests SET request_json = '[]'", "its request is no JSON object"),
]


@pytest.mark.parametrize(("table", "sql", "why"), ROWS)
def test_it_leaves_out_rows_that_cannot_be_records(
    reference: Reference, reviewer: User, table: str, sql: str, why: str
) -> None:
    reference.do(sql.format(long="x" * 300))
    report = import_reference(reference.path)
    assert [reason for name, reason in report.skipped if name == table and reason.startswith(why)]
    assert verify().differences == []
    browser = Page(reviewer)
    for run in Run.objects.all():
        for path in (f"/runs/{run.pk}/", f"/runs/{run.pk}/events/", f"/threads/{run.thread_id}/"):
            assert browser.get(path).status_code == 200, path


def test_pages_stand_whatever_a_file_holds(reference: Reference, reviewer: User) -> None:
    bodies = [
        {"type": "model.completed", "usage": {"input_tokens": "many"}, "sequence": "x", "timestamp": 5},
        {"type": "run.queued", "to": ["odd"], "call": "x"},
        {"type": "model.started", "call": "none", "sequence": None},
        {"type": "output.delta", "text": {"deep": 1}},
        {"type": "tool.started", "tool_name": 7, "duration_ms": "slow"},
        {"type": "<script>alert(1)</script>\u202e"},
    ]
    for number, body in enumerate(bodies, 10):
        reference.add(
            "events",
            thread_id="t1",
            run_id="r1",
            sequence=number,
            event_json=json.dumps(body),
            created_at="2025-03-01T10:00:00Z",
        )
    for content in (
        "text",
        ["a", {"text": "b"}],
        {"parts": 1},
        {"text": 5},
        None,
        7,
        {"text": "x", "tool_calls": [{"function": {}}]},
    ):
        reference.message("t1", "r1", "assistant", content)
    reference.approval("a9", "t1", "r1", "approved", input_preview_json='["not", "an object"]')
    report = import_reference(reference.path)
    assert report.skipped == {}
    browser = Page(reviewer)
    for path in ("/runs/r1/", "/runs/r1/events/", "/runs/r1/waterfall/", "/threads/t1/", "/approvals/a9/"):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.content.decode()


def test_no_hidden_character_stands_in_a_waterfall(reference: Reference, reviewer: User) -> None:
    for number, kind in enumerate(("approval.requested", "approval.resolved"), 4):
        body = {"type": kind, "timestamp": "2025-03-01T10:00:00", "approval_id": "x", "decision": "a\u202eb"}
        reference.add(
            "events",
            thread_id="t1",
            run_id="r1",
            sequence=number,
            event_json=json.dumps(body),
            created_at="2025-03-01T10:00:00Z",
        )
    import_reference(reference.path)
    html = Page(reviewer).get("/runs/r1/waterfall/").content.decode()
    assert "A<span" in html
    assert "\u202e" not in html


#: JSON that some part of the product could not keep, or not show.
UNFIT = {
    "deep": "[" * 64 + "]" * 64,
    "deeper": '{"a":' * 300 + "1" + "}" * 300,
    "deepest": "[" * 100_000 + "]" * 100_000,
    "a number of 100 bits": "1" * 30,
    "a number of a book's length": "1" * 9000,
    "infinite": "1e400",
}

HOLDING = {
    "run_requests": ("request_json", '{"input": %s}'),
    "thread_messages": ("content_json", "%s"),
    "approvals": ("input_preview_json", '{"path": %s}'),
    "recovery_intents": ("intent_json", "%s"),
}


@pytest.mark.parametrize("table", HOLDING)
@pytest.mark.parametrize("unfit", UNFIT)
def test_it_leaves_out_json_that_cannot_be_kept(reference: Reference, table: str, unfit: str) -> None:
    column, around = HOLDING[table]
    reference.do(f"UPDATE {table} SET {column} = ?", around % UNFIT[unfit])
    report = import_reference(reference.path)
    assert (table, f"its {column} is no JSON that can be kept") in report.skipped
    assert report.imported["runs"] == 3


def test_what_is_nested_as_deeply_as_can_be_is_shown(reference: Reference, reviewer: User) -> None:
    reference.do("UPDATE approvals SET input_preview_json = ?", "[" * 63 + "]" * 63)
    assert import_reference(reference.path).skipped == {}
    browser = Page(reviewer)
    for path in ("/", "/runs/r3/", "/threads/t2/", "/approvals/", "/approvals/a2/", "/api/v1/approvals"):
        assert browser.get(path).status_code == 200, path


def test_references_to_events_are_numbers(reference: Reference, reviewer: User) -> None:
    reference.do("UPDATE approvals SET event_refs_json = ?", '[3, "x", null, true, [1]]')
    import_reference(reference.path)
    answer = Page(reviewer).get("/api/v1/approvals")
    assert [item["event_refs"] for item in answer.json()["items"]] == [[3], [3]]


def test_a_run_with_an_odd_name_is_reached_from_the_list(reference: Reference, reviewer: User) -> None:
    reference.run("50%?a#b", "t1")
    import_reference(reference.path)
    browser = Page(reviewer)
    assert 'href="/runs/50%25%3Fa%23b/"' in browser.get("/runs/").content.decode()
    assert browser.get("/runs/50%25%3Fa%23b/").status_code == 200


def test_it_never_touches_a_record_of_this_product(reference: Reference) -> None:
    from runtime import journal

    new = journal.NewRun(input="ours", agent_id="direct", execution_mode="plan", resolved={})
    ours = journal.create_run(new)
    reference.do("UPDATE threads SET thread_id = ? WHERE thread_id = 't1'", ours.thread_id)
    reference.do(
        "UPDATE runs SET run_id = ?, updated_at = '2099-01-01T00:00:00Z' WHERE run_id = 'r3'", ours.pk
    )
    before = Run.objects.filter(pk=ours.pk).values().get()
    report = import_reference(reference.path)
    assert Run.objects.filter(pk=ours.pk).values().get() == before
    assert ("threads", "a record of this product has its id") in report.skipped
    assert ("runs", "a record of this product has its id") in report.skipped


def test_its_report_drives_no_terminal(reference: Reference) -> None:
    bad = "\x1b]0;owned\nimported: 9"
    reference.do("UPDATE threads SET thread_id = ? WHERE thread_id = 't1'", bad)
    said = import_reference(reference.path).lines()
    assert all(line.isprintable() for line in said)
    assert any("\\x1b]0;owned\\nimported: 9" in line for line in said)
