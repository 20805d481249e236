"""Rows of reveals: who, when, which call; kept as they are."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from runtime import journal
from runtime.models import Approval, Reveal
from runtime.upkeep.verify import verify

pytestmark = pytest.mark.django_db


def note(approval: Approval) -> Reveal:
    journal.note_reveal(
        approval.tool_call, approval_id=approval.pk, revealed_by="rene", source="page", address="192.0.2.7"
    )
    return Reveal.objects.latest("pk")


def test_it_says_who_looked_at_what(waiting: Approval) -> None:
    row = note(waiting)
    assert (row.tool_call_id, row.approval_id, row.run_id) == (
        waiting.tool_call_id,
        waiting.pk,
        waiting.run_id,
    )
    assert (row.revealed_by, row.source, row.address) == ("rene", "page", "192.0.2.7")
    assert verify().differences == []


def test_nobody_changes_a_row(waiting: Approval) -> None:
    note(waiting)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Reveal.objects.update(revealed_by="somebody else")


def test_it_outlives_its_thread(waiting: Approval) -> None:
    row = note(waiting)
    journal.cancel(waiting.run_id, requested_by="olga", source="page", reason="")
    assert journal.delete_thread(waiting.thread_id, deleted_by="olga", source="page")
    assert Reveal.objects.get() == row
