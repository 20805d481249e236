"""Traces of people, which record maintenance removes when they are old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.db.models import Model

from runtime.models import Denial, Reveal
from runtime.upkeep import maintenance
from tests.engine.conftest import start

pytestmark = pytest.mark.django_db


def removed(name: str) -> int:
    """How many of these a pass removes."""
    current = maintenance.run_pass("records", requested_by="anna")
    assert current is not None
    current.refresh_from_db()
    assert not current.error
    return int(current.done_json[name])


@pytest.mark.parametrize(
    ("kind", "name"),
    [(AccessLog, "sign_ins"), (AccessAttempt, "sign_in_attempts"), (AccessFailureLog, "sign_in_failures")],
)
def test_it_removes_old_sign_ins(kind: type[Model], name: str) -> None:
    more = {"failures_since_start": 1} if kind is AccessAttempt else {}
    old, young = (kind._default_manager.create(ip_address=f"192.0.2.{n}", **more) for n in (1, 2))
    long_ago = datetime.now(UTC) - timedelta(days=31)
    kind._default_manager.filter(pk=old.pk).update(attempt_time=long_ago)
    assert removed(name) == 1
    assert kind._default_manager.get() == young


def test_it_removes_old_denials() -> None:
    now = datetime.now(UTC)
    for days in (31, 29):
        Denial.objects.create(kind="person", path="/runs/", status=403, denied_at=now - timedelta(days=days))
    assert removed("denials") == 1
    assert Denial.objects.get().denied_at > now - timedelta(days=30)


def test_it_removes_reveals_of_threads_that_are_gone_after_a_year() -> None:
    now, run = datetime.now(UTC), start("hello")
    for thread, days in ((run.thread_id, 366), ("gone", 366), ("gone", 364)):
        of = {"tool_call_id": "c", "run_id": "r", "thread_id": thread, "tool_name": "pay"}
        Reveal.objects.create(**of, revealed_by="rene", revealed_at=now - timedelta(days=days))
    assert removed("reveals") == 1
    assert set(Reveal.objects.values_list("thread_id", flat=True)) == {run.thread_id, "gone"}
