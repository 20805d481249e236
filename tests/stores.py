"""The stores beside SQLite, as a plugin of pytest: databases of one's own on the machine's PostgreSQL, and a
Redis of one's own.

Tests with the marker `postgresql` or `redis` are left out where there is none, and one line at the end says
so; on a build machine that is an error. Those with the marker `sqlite` are about SQLite itself, and are left
out where the tests run on PostgreSQL.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from _pytest.terminal import TerminalReporter
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.settings import TEST_DATABASE_URL

PLACES = (
    TEST_DATABASE_URL,
    "postgresql://127.0.0.1:5432/postgres",
    "postgresql:///postgres?host=/var/run/postgresql",
)
MAY = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
COUNTING = ", ".join(
    f"{table}_counted_{act}" for table in ("runs", "approvals") for act in ("insert", "update", "delete")
)
OTHERS = "datname = current_database() AND pid <> pg_backend_pid()"


@cache
def find_postgresql() -> str | None:
    """The address of a server on which we may make databases, or None."""
    for place in filter(None, PLACES):
        try:
            with psycopg.connect(place, connect_timeout=2) as server:
                if server.execute(MAY).fetchone() == (True,):
                    return place
        except psycopg.Error:
            continue
    return None


def find_redis() -> str | None:
    """The program, or None."""
    return shutil.which("redis-server")


#: Marker → what it needs, and what is said without it.
NEEDS: dict[str, tuple[Callable[[], str | None], str]] = {
    "postgresql": (
        find_postgresql,
        "tests on PostgreSQL did not run: no server on 127.0.0.1 lets this user make databases "
        "(Debian and Ubuntu: .ci/run installs and starts one)",
    ),
    "redis": (
        find_redis,
        "tests on Redis did not run: no redis-server on the PATH "
        "(Debian and Ubuntu: apt install redis-server)",
    ),
}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells each process of pytest-xdist where its records have to be."""
    node.workerinput["database"] = TEST_DATABASE_URL


def pytest_configure(config: pytest.Config) -> None:
    """On a build machine nothing is left out, and all processes test on the same database."""
    told = getattr(config, "workerinput", {}).get("database", TEST_DATABASE_URL)
    if told != TEST_DATABASE_URL:
        raise pytest.UsageError("This process tests on another database than it was told to.")
    config.addinivalue_line("markers", "sqlite: is about SQLite itself")
    for marker in NEEDS:
        config.addinivalue_line("markers", f"{marker}: needs a store beside SQLite")
    for find, missing in NEEDS.values():
        if os.environ.get("CI") == "true" and not find():
            raise pytest.UsageError(missing)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What cannot run is left out."""
    missing = [marker for marker, (find, _) in NEEDS.items() if not find()]
    if TEST_DATABASE_URL:
        missing.append("sqlite")
    out = {item for item in items if any(item.get_closest_marker(marker) for marker in missing)}
    if out:
        config.hook.pytest_deselected(items=list(out))
        items[:] = [item for item in items if item not in out]


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say what did not run, and why."""
    for find, missing in NEEDS.values():
        if not find():
            terminalreporter.write_line(missing)


@pytest.fixture(scope="session", autouse=True)
def _let_go(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """At the end nobody may hold the tests' database: threads that never end have connections, too."""
    if connection.vendor == "postgresql":
        from runtime import tasks

        request.getfixturevalue("django_db_setup")
    yield
    if connection.vendor == "postgresql":
        tasks.huey.storage.close()
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}")


@pytest.fixture(autouse=True)
def _count_at_once(request: pytest.FixtureRequest) -> None:
    """PostgreSQL's counters count at the commit, and most tests have none."""
    if TEST_DATABASE_URL and ("db" in request.fixturenames or request.node.get_closest_marker("django_db")):
        request.getfixturevalue("db")
        if connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute(f"SET CONSTRAINTS {COUNTING} IMMEDIATE")


_made: dict[Path, str] = {}


def database_for(directory: Path) -> str:
    """The address of a PostgreSQL database that belongs to this data directory: made when first asked for,
    dropped when all is over."""
    if directory not in _made:
        server = find_postgresql()
        assert server is not None
        name = f"harness_test_{secrets.token_hex(6)}"
        ask(server, f"CREATE DATABASE {name}")
        atexit.register(ask, server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        _made[directory] = urlsplit(server)._replace(path=f"/{name}").geturl()
    return _made[directory]


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    """The rows that a statement gives, if any."""
    with psycopg.connect(url, autocommit=True) as server:
        cursor = server.execute(statement)
        return cursor.fetchall() if cursor.description else []


class Redis:
    """A server of one's own, which can be stopped and started again at the same address."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        words = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [str(find_redis()), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with redis.Redis.from_url(self.url) as client:
            for _ in range(100):
                try:
                    client.ping()
                except redis.ConnectionError:
                    time.sleep(0.05)
                else:
                    return
        raise AssertionError("redis-server does not answer")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def own_redis() -> Iterator[Redis]:
    """A Redis for the length of the block."""
    server = Redis()
    try:
        yield server
    finally:
        server.stop()
