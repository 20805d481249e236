"""Callers of the API with each role, and runs to call about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client

from runtime import access, actions, journal
from runtime.access import Actor
from runtime.engine import loop
from runtime.engine.lease import Keeper
from runtime.models import Approval, Run

API = "/api/v1"
PROBLEM = "application/problem+json"
BOT = Actor("service", "starter", frozenset({"administrator"}), source="api")


class Caller:
    """Calls the API with a token, or without one."""

    def __init__(self, token: str | None = None) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, headers: Any = None, **query: Any) -> HttpResponse:
        answer: Any = self.client.get(API + path, query, headers={**self.headers, **(headers or {})})
        return checked(answer)

    def delete(self, path: str) -> HttpResponse:
        answer: Any = self.client.delete(API + path, headers=self.headers)
        return checked(answer)

    def post(
        self,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> HttpResponse:
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        sent = {**self.headers, **(headers or {})}
        answer: Any = self.client.post(API + path, data, content_type=content_type, headers=sent)
        return checked(answer)


def checked(answer: HttpResponse) -> HttpResponse:
    """The answer; whatever is an error must be a whole problem."""
    assert answer.status_code < 500 or answer.status_code in (503, 507), answer.content
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == PROBLEM
        problem = orjson.loads(answer.content)
        assert problem.keys() >= {"title", "detail", "status", "errors"}
        assert problem["status"] == answer.status_code
        assert problem["title"]
        assert problem["detail"]
        assert "Traceback" not in answer.content.decode()
    return answer


def json_of(answer: HttpResponse, status: int = 200) -> Any:
    """The body of an answer that has this status."""
    assert answer.status_code == status, answer.content
    return orjson.loads(answer.content)


def caller_with(*roles: str) -> Caller:
    """A service account with these roles."""
    return Caller(access.make_token("-".join(("bot", *roles)), roles))


@pytest.fixture
def reading(db: None) -> Caller:
    """A viewer's program."""
    return caller_with("viewer")


@pytest.fixture
def operating(db: None) -> Caller:
    """An operator's program."""
    return caller_with("operator")


@pytest.fixture
def reviewing(db: None) -> Caller:
    """A reviewer's program."""
    return caller_with("reviewer")


@pytest.fixture
def nobody(db: None) -> Caller:
    """Without a token."""
    return Caller()


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    """The leases of a worker in this process."""
    kept = Keeper("test-worker", 30.0)
    yield kept
    kept.stop()


@pytest.fixture
def advance(keeper: Keeper) -> Callable[[Run], Run]:
    """Takes a run as far as it goes and reads it again."""

    def take(run: Run) -> Run:
        assert loop.advance(run.run_id, keeper, slots=10)
        run.refresh_from_db()
        return run

    return take


@pytest.fixture
def run(db: None) -> Run:
    """A queued run."""
    return actions.start_run(BOT, "list files", agent="direct")


@pytest.fixture
def done(advance: Callable[[Run], Run]) -> Run:
    """A completed run."""
    return advance(actions.start_run(BOT, "what is 2 + 3", agent="direct"))


@pytest.fixture
def in_doubt(approval: Approval) -> Run:
    """A run whose approved call started, then its worker was lost."""
    actions.decide_approval(BOT, approval.pk, "approve", approval.digest)
    lease = journal.claim(approval.run_id, "lost", slots=10, lease_seconds=30.0)
    with journal.entry(approval.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, approval.tool_call_id), worker="lost")
    with journal.entry(approval.run_id, lease) as entry:
        journal.doubt(entry, approval.tool_call_id)
    return Run.objects.get(pk=approval.run_id)


@pytest.fixture
def approval(advance: Callable[[Run], Run]) -> Approval:
    """A pending approval of a run that waits."""
    waiting = advance(actions.start_run(BOT, "write hello to notes.txt", agent="direct"))
    return Approval.objects.get(run=waiting)
