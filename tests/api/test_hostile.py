"""Hostile input through every route: one clear problem each, nothing stored, nothing broken."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.models import Approval, DecisionRecord, Run
from tests.api.conftest import Caller, caller_with, json_of

LONG = 1024 * 1024

BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 422),
    "no JSON": (b"input=x", 400),
    "cut off": (b'{"input": "x"', 400),
    "NaN": (b'{"input": NaN}', 400),
    "Infinity": (b'{"input": -Infinity}', 400),
    "a huge number": (b'{"input": 1e999}', 400),
    "a huge integer": (b'{"input": ' + b"9" * 5000 + b"}", 400),
    "a key twice": (b'{"input": "safe", "input": "other"}', 400),
    "an inner key twice": (b'{"input": "x", "invocation": {"context": {"a": 1, "a": 2}}}', 400),
    "NUL": (b'{"input": "a\\u0000b"}', 400),
    "raw NUL": (b'{"input": "a\x00b"}', 400),
    "half a surrogate": (b'{"input": "\\ud83d"}', 400),
    "half a surrogate as a key": (b'{"\\udc00": 1}', 400),
    "no UTF-8": (b'{"input": "\xff\xfe"}', 400),
    "UTF-16": ('{"input": "x"}'.encode("utf-16"), 400),
    "a byte order mark": (b'\xef\xbb\xbf{"input": "x"}', 400),
    "deep arrays": (b"[" * 100_000 + b"]" * 100_000, 400),
    "deep objects": (b'{"a":' * 70 + b"1" + b"}" * 70, 400),
    "an array": (b"[]", 422),
    "a text": (b'"input"', 422),
    "null": (b"null", 422),
    "a number": (b"5", 422),
    "prototype": (b'{"__proto__": {"input": "x"}}', 422),
    "too long": (b'{"input": "' + b"x" * LONG + b'"}', 413),
}
TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/json; charset=utf-16",
    "application/json-patch+json",
    "",
    "nonsense",
]
IDS = [
    "%00",
    "..",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "x" * 5000,
    "%F0%9F%92%A9",
    "%ED%A0%80",
    "'; DROP TABLE runs;--",
    "%0d%0aX: y",
    "{run_id}",
    "-1",
    "*",
]
READS = [
    "/runs/{}",
    "/runs/{}/events",
    "/runs/{}/artifacts",
    "/runs/{}/stream",
    "/threads/{}",
    "/threads/{}/messages",
    "/approvals/{}",
    "/artifacts/{}",
]
LIMITS = ["0", "-1", "201", "1e2", "ten", "", "1" * 5000, "0x10", "50.5", "\x00", "٥٠.٥"]
CURSORS = [
    "",
    "x",
    "!!!",
    "\x00",
    "é",
    "x" * 400,
    "W10",  # []
    "bnVsbA",  # null
    "WyJydW5zIiwxLCJ4Il0=",  # padded
    "WyJydW5zIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTksIngiXQ",  # a time beyond all times
]
LISTS = [
    "/runs",
    "/threads",
    "/approvals",
    "/agents",
    "/tools",
    "/models",
    "/runs/{run}/events",
    "/runs/{run}/artifacts",
    "/threads/{thread}/messages",
]
TIMES = [
    "",
    "yesterday",
    "1",
    "-1",
    "99999999999999999999",
    "2026-13-01T00:00:00Z",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "\x00",
]
FILTERS: list[tuple[str, str, list[str]]] = [
    ("/runs", "state", ["QUEUED", "", "nonsense", "queued,failed", "\x00"]),
    ("/runs", "agent", ["", "x" * 201, "\x00"]),
    ("/runs", "thread", ["", "a b", "x" * 65, "\x00", "é"]),
    ("/runs", "since", TIMES),
    ("/runs", "until", TIMES),
    ("/approvals", "status", ["PENDING", "", "all"]),
    ("/approvals", "run", ["", "a b", "x" * 65]),
    ("/approvals", "tool", ["", "x" * 201]),
    ("/runs/{run}/events", "after", ["", "-1", "x", "1e3", "9" * 30]),
    ("/runs/{run}/events", "type", ["", "nonsense", "RUN.CREATED"]),
    ("/runs/{run}/stream", "after", ["-1", "x"]),
]
UNKNOWN = [
    "/nothing",
    "/runs/",
    "/runs/a/b/c",
    "/openapi.json/",
    "//runs",
    "/../../etc/passwd",
    "/%00",
]


@pytest.fixture
def anyone(db: None) -> Caller:
    """May everything, so that nothing but the input can be refused."""
    return caller_with("administrator")


@pytest.mark.parametrize("name", BODIES)
def test_it_refuses_hostile_bodies(anyone: Caller, approval: Approval, name: str) -> None:
    body, status = BODIES[name]
    for path in ("/runs", "/approvals/decisions", f"/approvals/{approval.pk}/decision"):
        assert anyone.post(path, body).status_code == status
    if name not in {"nothing", "null"}:  # here, they say that there is no reason
        assert anyone.post(f"/runs/{approval.run_id}/cancel", body).status_code == status
    assert not DecisionRecord.objects.exists()
    assert Run.objects.count() == 1


@pytest.mark.parametrize("content_type", TYPES)
def test_it_takes_nothing_but_json(anyone: Caller, approval: Approval, content_type: str) -> None:
    for path in ("/runs", f"/runs/{approval.run_id}/cancel", "/approvals/decisions"):
        answer = anyone.post(path, b'{"input": "x"}', content_type=content_type)
        assert answer.status_code == 415
    assert Run.objects.count() == 1


@pytest.mark.parametrize("made_up", IDS)
def test_it_knows_no_made_up_ids(anyone: Caller, made_up: str, db: None) -> None:
    for path in READS:
        assert anyone.get(path.format(made_up)).status_code == 404
    assert anyone.post(f"/runs/{made_up}/cancel").status_code == 404
    body = {"decision": "approve", "digest": "x"}
    assert anyone.post(f"/approvals/{made_up}/decision", body).status_code == 404
    many = json_of(anyone.post("/approvals/decisions", {"items": [{"approval_id": made_up, **body}]}))
    assert many["items"][0]["status"] in {404, 422}
    assert anyone.post("/runs", {"input": "x", "thread_id": made_up}).status_code in {404, 422}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(("name", "values"), [("limit", LIMITS), ("cursor", CURSORS)])
def test_it_refuses_made_up_pages(anyone: Caller, run: Run, path: str, name: str, values: list[str]) -> None:
    address = path.format(run=run.run_id, thread=run.thread_id)
    for value in values:
        problem = json_of(anyone.get(address, **{name: value}), 422)
        assert list(problem["errors"]) == [name], value


@pytest.mark.parametrize(("path", "name", "values"), FILTERS)
def test_it_refuses_made_up_filters(
    anyone: Caller, run: Run, path: str, name: str, values: list[str]
) -> None:
    for value in values:
        problem = json_of(anyone.get(path.format(run=run.run_id), **{name: value}), 422)
        assert list(problem["errors"]) == [name], value


def test_it_takes_a_cursor_only_back_to_its_list(anyone: Caller, run: Run, done: Run) -> None:
    cursor = json_of(anyone.get("/runs", limit=1))["next_cursor"]
    assert anyone.get("/runs", cursor=cursor).status_code == 200
    for path in ("/threads", "/approvals", f"/runs/{run.run_id}/events"):
        assert anyone.get(path, cursor=cursor).status_code == 422


def test_it_names_unknown_and_repeated_parameters(anyone: Caller, run: Run) -> None:
    problem = json_of(anyone.get("/runs", stat="queued"), 422)
    assert problem["errors"] == {"stat": "There is no such parameter; did you mean state?"}
    twice: Any = anyone.client.get("/api/v1/runs?state=queued&state=failed", headers=anyone.headers)
    assert json_of(twice, 422)["errors"] == {"state": "This parameter stands twice."}
    flood = "/api/v1/runs?" + "&".join(f"a{number}=1" for number in range(2000))
    many: Any = anyone.client.get(flood, headers=anyone.headers)
    assert json_of(many, 400)["status"] == 400


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a b", "a\x00b", "é"])
def test_it_refuses_odd_idempotency_keys(anyone: Caller, key: str) -> None:
    assert anyone.post("/runs", {"input": "x"}, {"Idempotency-Key": key}).status_code == 422
    assert not Run.objects.exists()


@pytest.mark.parametrize("path", UNKNOWN)
def test_it_answers_unknown_addresses_with_a_problem(anyone: Caller, path: str) -> None:
    assert anyone.get(path).status_code == 404
    assert anyone.post(path, {}).status_code == 404


def test_it_answers_a_foreign_host_with_a_problem(anyone: Caller) -> None:
    assert anyone.get("/runs", headers={"Host": "evil.example"}).status_code == 400
