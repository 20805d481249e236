"""Rows of denials: kept as they are."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from runtime import journal
from runtime.models import Denial

pytestmark = pytest.mark.django_db

DENIAL: dict[str, Any] = {
    "kind": "person",
    "name": "olga",
    "address": "192.0.2.7",
    "method": "POST",
    "path": "/runs/",
    "status": 403,
    "reason": "needs the role reviewer",
}


def test_it_cuts_and_cleans_what_is_too_long_or_no_text() -> None:
    journal.note_denial(**{**DENIAL, "path": "/\x00\ud800" + "x" * 999, "name": "n" * 999})
    row = Denial.objects.get()
    assert (len(row.path), len(row.name)) == (300, 200)
    assert row.path.startswith("/\ufffd\ufffdx")


def test_nobody_changes_a_row() -> None:
    journal.note_denial(**DENIAL)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Denial.objects.update(name="somebody else")
