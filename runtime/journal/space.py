"""Gives the file's free pages back to the disk, a few at a time. PostgreSQL looks after that by itself."""

from __future__ import annotations

from django.db import connection

from runtime.journal.transaction import unit

PAGES = 200  #: that one transaction moves
SPARE = 1_000  #: free pages that stay for what is written next
INCREMENTAL = 2


def free_bytes() -> int:
    """Bytes that could be given back; 0 when that cannot be done step by step."""
    if connection.vendor != "sqlite" or _ask("auto_vacuum") != INCREMENTAL:
        return 0
    return max(0, _ask("freelist_count") - SPARE) * _ask("page_size")


def give_back() -> int:
    """Gives up to `PAGES` back; the bytes."""
    before = free_bytes()
    if before:
        with unit(durable=False), connection.cursor() as cursor:
            cursor.execute(f"PRAGMA incremental_vacuum({PAGES})")
            cursor.fetchall()  # each step frees one
    return before - free_bytes()


def _ask(pragma: str) -> int:
    with connection.cursor() as cursor:
        return int(cursor.execute(f"PRAGMA {pragma}").fetchone()[0])
