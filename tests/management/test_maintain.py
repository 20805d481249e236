"""`manage.py maintain`."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from runtime.journal import maintenance as turns
from runtime.models import MaintenanceTurn, Thread
from tests.upkeep.conftest import ended

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("maintain", *arguments, stdout=out)
    return out.getvalue()


def test_it_counts_and_then_removes() -> None:
    ended(40)
    dry = json.loads(said("records", "--dry-run", "--json"))
    assert Thread.objects.exists()
    done = json.loads(said("records", "--json"))
    assert not Thread.objects.exists()
    assert [each["kind"] for each in (*dry, *done)] == ["records", "records"]
    assert (dry[0]["dry_run"], done[0]["dry_run"]) == (True, False)
    assert dry[0]["done"]["threads"] == done[0]["done"]["threads"] == 1
    assert done[0]["error"] is None


def test_it_makes_both_and_says_so_in_words() -> None:
    ended(40)
    ended(1)
    text = said()
    assert "checkpoints: removed 4 streamed texts" in text
    assert "records: removed 1 thread, 1 run, " in text
    assert "\n  stayed: 1 thread: not old enough" in text


def test_it_says_when_another_pass_is_under_way() -> None:
    turns.next_turn("records", timedelta(days=1))
    turns.take_turn("records", made_by="other", lease=timedelta(minutes=1), requested_by="anna")
    with pytest.raises(CommandError, match="under way"):
        said("records")
    MaintenanceTurn.objects.update(lease_until=datetime.now(UTC))
    said("records")
