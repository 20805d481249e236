"""The system checks: each wrong setting has its id and its hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.db import connection

from runtime import checks
from runtime.journal import probe


def ids(messages: list[CheckMessage]) -> list[str | None]:
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 9), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
        ((4, 0, 0), False),
    ],
)
def test_it_knows_the_versions_of_sqlite_with_the_defect(
    version: tuple[int, int, int], affected: bool
) -> None:
    assert probe.has_wal_defect(version) is affected


@pytest.mark.sqlite
def test_it_refuses_an_affected_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Any = connection
    monkeypatch.setattr(backend.Database, "sqlite_version_info", (3, 40, 1))
    assert ids(checks.check_sqlite_version()) == ["harness.E001"]


def test_it_finds_nothing_in_our_own_settings(db: None) -> None:
    assert run_checks(tags=["harness"], databases=["default"]) == []


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"transaction_mode": "DEFERRED"}, ["harness.E002"]),
        ({"init_command": ""}, ["harness.E003"] * 3),
        (
            {"init_command": "PRAGMA journal_mode = wal; PRAGMA synchronous=NORMAL; pragma foreign_keys=on"},
            ["harness.E003"],
        ),
    ],
)
def test_it_refuses_settings_that_could_lose_records(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, str], expected: list[str]
) -> None:
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "OPTIONS", {**database["OPTIONS"], **options})
    assert ids(checks.check_sqlite_settings()) == expected


@pytest.mark.sqlite
def test_it_looks_at_what_a_connection_really_has(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
    try:
        assert ids(checks.check_sqlite_pragmas(databases=["default"])) == ["harness.E004"]
    finally:
        connection.close()


def test_it_refuses_a_postgresql_that_could_lose_records(
    monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    if connection.vendor == "sqlite":
        assert checks.check_postgresql(databases=["default"]) == []
        return
    assert checks.check_postgresql(databases=["default"]) == []
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    try:
        messages = checks.check_postgresql(databases=["default"])
        assert ids(messages) == ["harness.E007"]
        assert "synchronous_commit = off" in messages[0].msg
    finally:
        connection.close()
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "PORT", "1")
        assert ids(checks.check_postgresql(databases=["default"])) == ["harness.E008"]


def test_it_names_file_and_line_of_a_broken_workspace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "models.yaml").write_text("kind: [\n")
    monkeypatch.setattr(settings, "WORKSPACE_DIR", tmp_path)
    messages = checks.check_workspace()
    assert ids(messages) == ["harness.E006"]
    assert "models.yaml" in messages[0].msg


@pytest.mark.parametrize(("base", "expected"), [("", ["harness.W001"]), ("http://127.0.0.1:1/v1", [])])
def test_it_says_that_a_model_without_endpoint_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, base: str, expected: list[str]
) -> None:
    monkeypatch.setenv("HARNESS_MODEL", "gpt-4o-mini")
    monkeypatch.setenv("HARNESS_MODEL_BASE_URL", base)
    assert ids(checks.check_model()) == expected
