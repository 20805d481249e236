"""Edits of a call by a reviewer: held to what any call is held to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from runtime import actions, catalogue
from runtime.access import Actor
from runtime.lifecycle import CallState
from runtime.models import Approval, DecisionRecord
from tests.journal.conftest import claim, propose

pytestmark = pytest.mark.django_db

OLGA = Actor("person", "olga", frozenset({"operator", "reviewer"}))


def test_it_refuses_one_that_holds_a_secret_of_the_installation() -> None:
    run = actions.start_run(OLGA, "list files", agent="direct")
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("ls", CallState.WAITING))
    approval = Approval.objects.get(run=run)
    edit = {"path": f"x{settings.SECRET_KEY}"}
    with pytest.raises(actions.Invalid) as refused:
        actions.decide_approval(OLGA, approval.pk, "edit", approval.digest, arguments=edit)
    assert "secret" in refused.value.errors["arguments"]
    assert settings.SECRET_KEY not in refused.value.detail
    assert not DecisionRecord.objects.exists()


RULES = """
apiVersion: agent-harness/v1alpha1
kind: Workspace
metadata: {name: test}
spec:
  approvals:
    rules:
      - {name: shut, tool: ls, arguments: {path: "shut/*"}, action: ask, allowed_decisions: [reject]}
      - {name: fixed, tool: ls, arguments: {path: "fixed/*"}, action: ask, allowed_decisions: [approve]}
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Approval]:
    (tmp_path / "workspace.yaml").write_text(RULES)
    monkeypatch.setattr(settings, "WORKSPACE_DIR", tmp_path)
    catalogue.forget()
    run = actions.start_run(OLGA, "list files", agent="direct")
    lease = claim(run)
    assert lease is not None
    propose(run, lease, ("ls", CallState.WAITING))
    yield Approval.objects.get(run=run)
    catalogue.forget()


def test_it_reaches_nothing_that_nobody_may_approve(asked: Approval) -> None:
    with pytest.raises(actions.Invalid) as refused:
        actions.decide_approval(OLGA, asked.pk, "edit", asked.digest, arguments={"path": "shut/x"})
    assert "'shut' lets nobody approve" in refused.value.errors["arguments"]
    assert not DecisionRecord.objects.exists()
    actions.decide_approval(OLGA, asked.pk, "edit", asked.digest, arguments={"path": "fixed/x"})
    asked.refresh_from_db()
    assert asked.status == "edited"
