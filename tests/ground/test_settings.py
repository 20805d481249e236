"""The settings: what the environment may change, what is refused, and the database's promises."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection


def test_it_keeps_records_as_sqlite_must_be_kept(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        pragmas = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    assert connection.transaction_mode == "IMMEDIATE"


def test_it_knows_the_cast(operator: User) -> None:
    assert [group.name for group in operator.groups.all()] == ["operator"]
