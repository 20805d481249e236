"""`/healthz` and `/readyz`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from runtime import catalogue
from runtime.api import probes
from runtime.journal import workers
from runtime.journal.schema import check_schema
from runtime.models import RuntimeMetadata


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No answer is given twice."""
    probes.forget()
    yield
    probes.forget()
    catalogue.forget()


def ask(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    return answer.status_code, {check["name"]: check for check in answer.json()["checks"]}


def test_it_lives_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.content == b"ok\n"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_rejects_post(client: Client, db: None, path: str) -> None:
    assert client.post(path).status_code == 405


def test_it_is_ready_and_says_that_no_worker_runs(client: Client, db: None) -> None:
    status, checks = ask(client)
    assert status == 200
    assert checks.keys() == {"database", "migrations", "workspace", "worker"}
    assert not checks["worker"]["ok"]
    assert checks["worker"]["reason"] == "no worker is running"
    workers.enter(slots=4, version="test")
    probes.forget()
    assert ask(client)[1]["worker"]["ok"]


def test_it_is_not_ready_with_a_broken_workspace(
    client: Client, db: None, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "workspace.yaml").write_text("kind: [")
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    status, checks = ask(client)
    assert status == 503
    assert checks["workspace"]["reason"] == "the workspace has problems: 1"
    assert checks["database"]["ok"]


def test_who_waited_for_a_bad_answer_takes_it(
    client: Client, db: None, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a locked database lets each of a hundred askers wait for a second after the one before it."""
    monkeypatch.setattr(probes, "BAD_SECONDS", 60)
    (tmp_path / "workspace.yaml").write_text("kind: [")
    settings.WORKSPACE_DIR = tmp_path
    catalogue.forget()
    assert ask(client)[0] == 503
    with CaptureQueriesContext(connection) as asked:
        assert ask(client)[0] == 503
    assert not asked.captured_queries
    monkeypatch.setattr(probes, "BAD_SECONDS", 0)
    probes.forget()
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            ask(client)
        assert asked.captured_queries


def test_it_is_not_ready_without_its_tables(client: Client, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE runtime_metadata RENAME TO gone")
    status, checks = ask(client)
    assert status == 503
    assert checks["database"]["reason"] == (
        "the database cannot be used (OperationalError)"
        if connection.vendor == "sqlite"
        else "the database cannot be used (ProgrammingError)"
    )
    assert "gone" not in str(checks)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("schema_family", "the database holds the schema family 'other', not 'agent-harness-runtime'"),
        ("schema_version", "the database has schema version 'other' of agent-harness-runtime"),
    ],
)
def test_it_is_not_ready_with_the_records_of_something_else(
    client: Client, db: None, key: str, reason: str
) -> None:
    check_schema("test")
    assert ask(client)[0] == 200
    probes.forget()
    RuntimeMetadata.objects.filter(key=key).update(value="other")
    status, checks = ask(client)
    assert status == 503
    assert checks["database"]["reason"].startswith(reason)
