"""Nothing that a person sends is recorded with a configured secret in it: it is refused, and the value is not
repeated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from runtime import actions, catalogue, journal
from runtime.access import Actor
from runtime.journal.doubts import HAPPENED
from runtime.lifecycle import CallState
from runtime.models import Approval, Run
from tests.journal.conftest import claim, propose

pytestmark = pytest.mark.django_db

OLGA = Actor("person", "olga", frozenset({"operator", "reviewer"}))
KEY = "a-key-that-nobody-else-knows"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("HARNESS_MODEL_API_KEY", KEY)


@pytest.fixture
def approval() -> Approval:
    """A call that waits for a decision."""
    run = actions.start_run(OLGA, "list files", agent="direct")
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("ls", CallState.WAITING))
    return Approval.objects.get(run=run)


def decide(approval: Approval, decision: str, **said: Any) -> Callable[[], object]:
    return lambda: actions.decide_approval(OLGA, approval.pk, decision, approval.digest, **said)


def refused(act: Callable[[], object], field: str) -> None:
    with pytest.raises(actions.Invalid) as caught:
        act()
    assert list(caught.value.errors) == [field]
    assert "contains a secret of this installation" in caught.value.detail
    assert KEY not in repr(caught.value.__dict__)


TEXTS = {"a key": KEY, "in a text": f"use {KEY} now", "the secret key": settings.SECRET_KEY}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_it_starts_nothing_with_one(text: str) -> None:
    refused(lambda: actions.start_run(OLGA, text), "input")
    refused(lambda: actions.start_run(OLGA, "x", invocation={"context": {"deep": [text]}}), "invocation")
    assert not Run.objects.exists()


def test_it_decides_nothing_with_one(approval: Approval) -> None:
    refused(decide(approval, "reject", reason=f"not with {KEY}"), "reason")
    refused(decide(approval, "respond", content=f"it said {KEY}"), "content")
    refused(decide(approval, "edit", arguments={"path": KEY}), "arguments")
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_it_cancels_without_it(approval: Approval, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused(lambda: actions.cancel_run(OLGA, approval.run_id, f"leaked {KEY}"), "reason")
    # Also while the workspace cannot be read; the run can be cancelled all the same.
    (tmp_path / "workspace.yaml").write_text("spec: [")
    monkeypatch.setattr(settings, "WORKSPACE_DIR", tmp_path)
    catalogue.forget()
    refused(lambda: actions.cancel_run(OLGA, approval.run_id, f"leaked {KEY}"), "reason")
    assert actions.cancel_run(OLGA, approval.run_id, "enough").state == "cancelled"
    catalogue.forget()


def test_it_resolves_nothing_with_one() -> None:
    run = actions.start_run(OLGA, "list files", agent="direct")
    lease = claim(run)
    assert lease is not None
    [call] = propose(run, lease, ("ls", CallState.GRANTED))
    with journal.entry(run.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, call.pk), worker="w1")
        journal.doubt(entry, call.pk)
    refused(lambda: actions.resolve_run(OLGA, run.pk, HAPPENED, f"it printed {KEY}"), "result")
