"""System checks: what would break the product is refused with an id and a hint, at start and not at night.

They carry the tag `harness`; `up` runs them, `serve` on its own, and `manage.py check`. The one that opens
the database runs with `manage.py check --database default`, at every migration and at `up`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import OperationalError, connections

from runtime.journal import probe

TAG = "harness"
NEEDED = {"journal_mode": "WAL", "synchronous": "FULL", "foreign_keys": "ON"}
#: Setting of PostgreSQL → the value that is refused (or the only one that is not), and why.
UNSAFE = {
    "server_encoding": ("not UTF8", "not every text can be kept"),
    "fsync": ("off", "acknowledged records could be lost"),
    "full_page_writes": ("off", "acknowledged records could be lost"),
    "synchronous_commit": ("off", "acknowledged records could be lost"),
    "transaction_read_only": ("on", "nothing can be written"),
}
ACTUAL = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@register(TAG)
def check_sqlite_version(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """E001: the SQLite that Django really uses."""
    if not _uses_sqlite():
        return []
    if not probe.store_is_defective():
        return []
    return [
        Error(
            f"{probe.store_name()} can corrupt a database that several processes write.",
            hint="Use the locked dependencies (delete .venv and start again): pysqlite3 has a newer one.",
            id="harness.E001",
        )
    ]


@register(TAG)
def check_sqlite_settings(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E002 and E003: transactions and pragmas, as the settings ask for them."""
    if not _uses_sqlite():
        return []
    options = settings.DATABASES["default"].get("OPTIONS", {})
    found: list[CheckMessage] = []
    if options.get("transaction_mode") != "IMMEDIATE":
        found.append(
            Error(
                "SQLite transactions are not IMMEDIATE: concurrent writes fail with 'database is locked'.",
                hint="Set OPTIONS['transaction_mode'] of the database to 'IMMEDIATE'.",
                id="harness.E002",
            )
        )
    asked = {"".join(part.split()).lower() for part in str(options.get("init_command", "")).split(";")}
    for pragma, value in NEEDED.items():
        if f"pragma{pragma}={value}".lower() not in asked:
            found.append(
                Error(
                    f"SQLite does not run with {pragma}={value}: acknowledged records could be lost.",
                    hint=f"Put 'PRAGMA {pragma}={value}' into OPTIONS['init_command'] of the database.",
                    id="harness.E003",
                )
            )
    return found


@register(TAG, Tags.database)
def check_sqlite_pragmas(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E004 and E005: what a connection really has; a file system without shared memory has no WAL."""
    if not _uses_sqlite() or "default" not in (databases or ()):
        return []
    found: list[CheckMessage] = []
    try:
        with connections["default"].cursor() as cursor:
            for pragma, value in ACTUAL.items():
                actual = cursor.execute(f"PRAGMA {pragma}").fetchone()[0]
                if actual != value:
                    found.append(
                        Error(
                            f"The database has {pragma} = {actual}, not {NEEDED[pragma]}.",
                            hint="Move HARNESS_DATA_DIR to a local disk; network file systems cannot do it.",
                            id="harness.E004",
                        )
                    )
    except OperationalError as error:
        name = settings.DATABASES["default"]["NAME"]
        found.append(
            Error(
                f"The database {name} cannot be opened: {error}.",
                hint="HARNESS_DATA_DIR must be a folder that this user can write.",
                id="harness.E005",
            )
        )
    return found


@register(TAG, Tags.database)
def check_postgresql(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """E007 and E008: what the server promises, and whether it can be reached at all."""
    if _uses_sqlite() or "default" not in (databases or ()):
        return []
    found: list[CheckMessage] = []
    try:
        with connections["default"].cursor() as cursor:
            for name, (refused, why) in UNSAFE.items():
                cursor.execute(f"SHOW {name}")
                actual = cursor.fetchone()[0]
                if (actual == refused) if not refused.startswith("not ") else (actual != refused[4:]):
                    found.append(
                        Error(
                            f"PostgreSQL has {name} = {actual}: {why}.",
                            hint=f"Change {name} for the server or for this database.",
                            id="harness.E007",
                        )
                    )
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0].rstrip(".:")
        found.append(
            Error(
                f"PostgreSQL cannot be used: {reason}.",
                hint="DATABASE_URL must name a server that runs, a database that exists, and who may use it.",
                id="harness.E008",
            )
        )
    return found


@register(TAG)
def check_workspace(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """E006: the workspace; one message for each problem, with file, line and key."""
    from runtime import catalogue
    from runtime.workspace import WorkspaceError
    from runtime.workspace.environment import ENVIRONMENT

    try:
        catalogue.current()
    except WorkspaceError as error:
        files = "Correct it in the folder that HARNESS_WORKSPACE names."
        return [
            Error(
                f"The workspace is broken: {problem}",
                hint="Correct the variable." if problem.file == ENVIRONMENT else files,
                id="harness.E006",
            )
            for problem in error.problems
        ]
    return []


@register(TAG)
def check_model(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """W001: a model of the environment that nobody asks, since its endpoint is missing."""
    named, base = os.environ.get("HARNESS_MODEL", ""), os.environ.get("HARNESS_MODEL_BASE_URL", "")
    if not named.strip() or base.strip():
        return []
    return [
        Warning(
            "HARNESS_MODEL is set and HARNESS_MODEL_BASE_URL is not: that model is not asked.",
            hint="Set HARNESS_MODEL_BASE_URL to its endpoint, such as https://api.openai.com/v1.",
            id="harness.W001",
        )
    ]


def _uses_sqlite() -> bool:
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("sqlite3")
