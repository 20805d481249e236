"""Databases that are somebody else's, where the product is told to keep its records."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from tests import stores
from tests.product import DATABASE, MANAGE, environment, migrate

METADATA = "CREATE TABLE runtime_metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
FAMILY = "INSERT INTO runtime_metadata VALUES ('schema_family', 'somebody-else'), ('schema_version', '7')"


class Store:
    """A data directory, and the database that belongs to it."""

    def __init__(self, vendor: str, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.file = data_dir / DATABASE
        self.url = stores.database_for(data_dir) if vendor == "postgresql" else ""
        self.env = {**environment(data_dir), "DATABASE_URL": self.url}
        self.name = self.url.rpartition("/")[2] or str(self.file)

    def do(self, *statements: str) -> None:
        """Outside of the product."""
        with self._open() as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def prepare(self) -> None:
        """Makes it the product's."""
        migrate(self.env)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One that is expected to end by itself."""
        return subprocess.run(
            [sys.executable, MANAGE, *words], env=self.env, capture_output=True, text=True, timeout=60
        )

    def metadata(self) -> dict[str, str]:
        return dict(self._all("SELECT key, value FROM runtime_metadata"))

    def state(self) -> Any:
        """Whatever a command could have changed: the file and those beside it to the byte (but for the memory
        in which readers say where they are), or what PostgreSQL has, and each row with who wrote it."""
        if self.url:
            there = self._all(
                "SELECT oid, relname, relfilenode, relkind FROM pg_class WHERE relnamespace = 2200"
            )
            tables = [name for _, name, _, kind in there if kind == "r"]
            rows = {name: self._all(f'SELECT xmin::text, t::text FROM "{name}" AS t') for name in tables}
            return sorted(there), {name: sorted(found) for name, found in rows.items()}
        files = {path.name: path for path in self.data_dir.glob(f"{DATABASE}*")}
        kept = {name: path.read_bytes() for name, path in files.items() if not name.endswith("-shm")}
        return {name: path.stat().st_mode for name, path in files.items()}, kept

    def _all(self, question: str) -> list[Any]:
        with self._open() as connection:
            return list(connection.execute(question).fetchall())

    def _open(self) -> Any:
        return psycopg.connect(self.url) if self.url else closing(sqlite3.connect(self.file))
