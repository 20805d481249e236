"""Edits of a call by a reviewer: held to what any call is held to."""

from __future__ import annotations

import pytest
from django.conf import settings

from runtime import actions
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
