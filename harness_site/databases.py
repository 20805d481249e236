"""Where the records and the queue are kept: `DATABASE_URL` and `REDIS_URL` as Django's and huey's settings.

What they say wrongly is refused with one sentence, which never repeats a password.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError

from harness_site import data, sqlite

LIKE = "it must be like postgresql://user:password@host:5432/database"
WAIT_SECONDS = 10  # for another writer, as on SQLite
POOL_SECONDS = 5.0
WEB_CONNECTIONS = 20  # more requests at once wait for one another
WORKER_CONNECTIONS = 20  # a run that waits for its model or tool holds none

#: Said to the server with every connection; what the address says itself goes before.
DEFAULTS = {
    "application_name": "agent-harness",
    "connect_timeout": "5",
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
# A process that is stopped in the middle of a transaction must not keep its rows locked for everyone else.
SESSION = f"-c lock_timeout={WAIT_SECONDS}s -c idle_in_transaction_session_timeout={WAIT_SECONDS}s"


def records(url: str, directory: Path) -> dict[str, Any]:
    """Django's settings of the database: SQLite in the data directory, or the PostgreSQL of the address."""
    return server(url) if url else one_file(directory)


def one_file(directory: Path) -> dict[str, Any]:
    """SQLite: one machine, several processes."""
    return {
        "ENGINE": "harness_site.sqlite3",
        "NAME": directory / "runtime.sqlite",
        "CONN_MAX_AGE": None,  # kept: the threads stay, and a new one reads the whole schema first
        "OPTIONS": {
            "timeout": WAIT_SECONDS,
            "factory": sqlite.Connection,
            "transaction_mode": "IMMEDIATE",  # deferred ones fail at their first write: "locked"
            "init_command": (
                "PRAGMA journal_mode=WAL;"
                "PRAGMA synchronous=FULL;"  # an acknowledged request survives a power cut
                "PRAGMA foreign_keys=ON;"
                "PRAGMA cache_size=-4096;"  # a search reads some 600 pages; the default of 2 MB forgets them
                "PRAGMA journal_size_limit=67108864"
            ),
        },
        # A file, not memory: threads and processes of a test meet as they do in production.
        "TEST": {"NAME": str(directory / "test.sqlite")},
    }


def server(url: str) -> dict[str, Any]:
    """PostgreSQL: many machines. The address is read by libpq, so it may say all that libpq knows."""
    scheme = url.partition(":")[0]
    if scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured(f"DATABASE_URL begins with {scheme[:20]!r}; {LIKE}, or unset for SQLite.")
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise ImproperlyConfigured(
            "DATABASE_URL needs psycopg, which is not installed here; `python3 manage.py` installs it."
        ) from error
    try:
        found: dict[str, Any] = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:  # its text may repeat the address, with the password
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read; {LIKE}.") from None
    for port in found.get("port", "").split(","):
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise ImproperlyConfigured(f"DATABASE_URL has the port {port[:20]!r}; {LIKE}.")
    if not found.get("dbname"):
        raise ImproperlyConfigured(f"DATABASE_URL names no database; {LIKE}.")
    fields = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    named = {field: found.pop(name, "") for field, name in fields.items()}
    session = f"{SESSION} {found.pop('options', '')}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        **named,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,  # a pooled connection that a restart of the server broke is replaced
        "OPTIONS": {
            **DEFAULTS,
            **found,
            "options": session,
            # Whatever the server's default is: the journal's locks are made for this level.
            "isolation_level": psycopg.IsolationLevel.READ_COMMITTED.value,
        },
    }


def files(url: str, redis_url: str) -> tuple[str, ...]:
    """The databases that lie in the data directory: the records, unless on a server, and so the queue."""
    return () if url else data.DATABASES[:1] if redis_url else data.DATABASES


@contextmanager
def temporary(url: str) -> Iterator[str]:
    """The address of a new, empty database on the same PostgreSQL server, dropped at the end of the block.

    Raises DatabaseError when this user may not make one.
    """
    import psycopg

    name = f"harness_temporary_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}".encode())
    except psycopg.Error as error:
        raise OperationalError(*error.args) from error
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def use_pool(most: int) -> None:
    """From now on this process takes its PostgreSQL connections from a pool of at most `most`.

    For processes that live long. A command needs one connection, and the pool would hide why there is none.
    """
    from django.db import connections

    database = connections.settings["default"]
    if database["ENGINE"].endswith("postgresql"):
        connections.close_all()
        database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": most, "timeout": POOL_SECONDS}


def sentence(error: DatabaseError) -> str:
    """What to tell the person whose command could not use the database; empty when that is our mistake."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
    missing = _lacks_table(text)
    if type(error) not in (DatabaseError, OperationalError) and not missing:
        return ""
    hint = " `manage.py up` or `manage.py migrate` makes it." if missing else ""
    where = "of DATABASE_URL" if os.environ.get("DATABASE_URL", "").strip() else "in HARNESS_DATA_DIR"
    return f"The database {where} cannot be used: {text}.{hint}"


def is_away(error: DatabaseError) -> bool:
    """Whether the database may be usable again by itself, as after an outage of its server."""
    return type(error) is OperationalError and not _lacks_table(str(error))


def _lacks_table(text: str) -> bool:
    return "no such table" in text or ("relation" in text and "does not exist" in text)


def redis(url: str) -> str:
    """The address of the queue's Redis, checked; empty when there is none."""
    if not url:
        return ""
    try:
        from redis import ConnectionPool
    except ImportError as error:
        raise ImproperlyConfigured(
            "REDIS_URL needs redis, which is not installed here; `python3 manage.py` installs it."
        ) from error
    try:
        ConnectionPool.from_url(url)
    except ValueError:
        raise ImproperlyConfigured("REDIS_URL cannot be read; it must be like redis://host:6379/0.") from None
    return url
