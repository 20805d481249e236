"""How many transactions were committed, and how much they wrote.

Read from SQLite's write-ahead log itself, or from PostgreSQL's counters. A read transaction is held
meanwhile, so that SQLite neither empties the log nor begins it anew. It slows things down a little as the log
grows: count in a round of its own.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

HEADER, FRAME = struct.Struct(">8I"), struct.Struct(">6I")


@dataclass
class Counted:
    """Commits of all processes and the bytes they logged; complete at the end of the block."""

    commits: int = 0
    written: int = 0


@contextmanager
def counted(database: Path) -> Iterator[Counted]:
    """Counts what is committed during the block, in this SQLite file or on the PostgreSQL of the settings."""
    if connection.vendor == "postgresql":
        yield from _on_server()
        return
    found = Counted()
    reader = sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        salt, commits, written = _log(database)
        yield found
        salt_now, commits_now, written_now = _log(database)
        same = salt == salt_now  # else it began anew once: its first writer found it copied to its end
        found.commits = commits_now - (commits if same else 0)
        found.written = written_now - (written if same else 0)
    finally:
        reader.close()


def _log(database: Path) -> tuple[bytes, int, int]:
    """The present log's salt, its commits, its bytes."""
    path = database.with_name(database.name + "-wal")
    data = path.read_bytes() if path.exists() else b""
    if len(data) < HEADER.size:
        return b"", 0, 0
    page = HEADER.unpack_from(data)[2]
    salt = data[16:24]
    commits = frames = 0
    for at in range(HEADER.size, len(data) - FRAME.size - page + 1, FRAME.size + page):
        if data[at + 8 : at + 16] != salt:
            break  # left over from before the log began anew
        frames += 1
        commits += FRAME.unpack_from(data, at)[1] > 0  # only a commit's last frame says the database's size
    return salt, commits, frames * (FRAME.size + page)


def _on_server() -> Iterator[Counted]:
    """Writing transactions of the whole server, because nobody counts them for each database."""
    found = Counted()
    commits, place = _server()
    yield found
    commits_now, place_now = _server()
    found.commits, found.written = commits_now - commits - 1, place_now - place


def _server() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_current_xact_id()::text::bigint, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
        )
        commits, place = cursor.fetchone()
    return int(commits), int(place)
