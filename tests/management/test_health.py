"""`manage.py health`: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from runtime.models import Worker
from runtime.upkeep import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is remembered from an earlier test."""
    health.forget()
    yield
    health.forget()


def exit_code(*arguments: str) -> int:
    health.forget()
    with pytest.raises(SystemExit) as ended:
        call_command("health", *arguments)
    return int(ended.value.code or 0)


def test_it_prints_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code() == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("healthy, sampled ")
    assert len(lines) == len(health.BY_NAME)
    assert any("unknown" in line and "No worker has run yet." in line for line in lines)


def test_it_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--json") == 0
    assert json.loads(capsys.readouterr().out).keys() == {"status", "sampled_at", "checks"}


@pytest.mark.parametrize(("age", "code"), [(0, 0), (61, 1), (181, 2)])
def test_its_exit_code_says_how_it_is(age: int, code: int) -> None:
    seen = datetime.now(UTC) - timedelta(seconds=age)
    Worker.objects.create(worker_id="w1", host="h", pid=1, version="1", slots=1, heartbeat_at=seen)
    assert exit_code() == code
