"""Another program's database, or another version's: refused by name before anything is written."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.ground.foreign import FAMILY, METADATA, Store
from tests.product import DATABASE
from tests.upkeep.imports import reference

STORES = [
    pytest.param("sqlite", marks=pytest.mark.sqlite),
    pytest.param("postgresql", marks=pytest.mark.postgresql),
]
UP = ("up", "--no-open", "--port", "0")
MIGRATE = ("migrate",)
SERVE = ("serve", "--port", "0")
ELSE = "holds the schema family 'somebody-else', not 'agent-harness-runtime': it belongs to another program."
FAMILY_9 = "holds the schema family '9', not 'agent-harness-runtime': it belongs to another program."
VERSION_9 = "has schema version '9' of agent-harness-runtime; this program reads version '1'."


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(request.param, tmp_path)


@pytest.fixture(params=STORES, scope="module")
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One of the product, for all tests of it."""
    made = Store(request.param, tmp_path_factory.mktemp("prepared"))
    made.prepare()
    return made


def refused(store: Store, words: tuple[str, ...], fault: str, code: int = 1) -> None:
    """One sentence that names the database, and nothing else has happened."""
    before = store.state()
    answer = store.command(*words)
    assert (answer.returncode, answer.stdout) == (code, ""), answer.stderr
    assert answer.stderr == f"The database {store.name} {fault}\n"
    assert store.state() == before


@pytest.mark.parametrize("words", [UP, MIGRATE])
def test_another_family_is_refused(store: Store, words: tuple[str, ...]) -> None:
    store.do(METADATA, FAMILY)
    refused(store, words, ELSE)


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ("runs auth_user people", "auth_user, runs"),
        ("django_migrations auth_user runs", "runs"),  # another product of Django
        ("runtime_metadata", "runtime_metadata"),  # of another shape
    ],
)
def test_tables_of_the_same_names_are_refused(store: Store, tables: str, named: str) -> None:
    store.do(*(f"CREATE TABLE {name} (id INTEGER)" for name in tables.split()))
    fault = f"has tables that this program did not make ({named}): it belongs to another program."
    refused(store, UP, fault)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("words", "mode"), [(UP, "DELETE"), (UP, "WAL"), (UP, "open"), (MIGRATE, "DELETE"), (MIGRATE, "WAL")]
)
def test_a_reference_database_is_left_as_it_is(tmp_path: Path, words: tuple[str, ...], mode: str) -> None:
    store = Store("sqlite", tmp_path)
    reference.full(tmp_path)
    with closing(sqlite3.connect(store.file)) as user:
        user.execute(f"PRAGMA journal_mode={'DELETE' if mode == 'DELETE' else 'WAL'}")
        user.execute("UPDATE threads SET status = 'failed'")
        user.commit()
        if mode != "open":
            user.close()
        refused(
            store,
            words,
            "is one of the reference runtime. Move it, and the folder threads beside it, out of the data "
            "directory and start again; `manage.py import_runtime FILE` then brings it along.",
        )


@pytest.mark.sqlite
def test_what_it_says_of_a_reference_database_can_be_done(tmp_path: Path) -> None:
    here, there = tmp_path / "data", tmp_path / "moved"
    here.mkdir()
    there.mkdir()
    store = Store("sqlite", here)
    reference.full(here)
    for name in (DATABASE, "threads"):
        shutil.move(here / name, there / name)
    assert store.command("migrate", "-v0").returncode == 0
    answer = store.command("import_runtime", str(there / DATABASE))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "2 threads" in answer.stdout


@pytest.mark.parametrize("words", [UP, MIGRATE, SERVE, ("run_huey",), ("start_run", "hello")])
def test_another_version_is_refused(prepared: Store, words: tuple[str, ...]) -> None:
    prepared.do("UPDATE runtime_metadata SET value = '9' WHERE key = 'schema_version'")
    refused(prepared, words, VERSION_9)


@pytest.mark.sqlite
def test_every_command_refuses(tmp_path: Path) -> None:
    """Whatever reads or writes records; 2 is the health report's worst."""
    store = Store("sqlite", tmp_path)
    store.prepare()
    store.do("UPDATE runtime_metadata SET value = '9' WHERE key = 'schema_family'")
    for words in (
        "run_huey",
        "serve --skip-checks",
        "sweep",
        "maintain",
        "token bot",
        "sign_in_link",
        "verify",
    ):
        refused(store, tuple(words.split()), FAMILY_9)
    refused(store, ("health",), FAMILY_9, code=2)


def test_migrate_alone_writes_whose_it_is(store: Store) -> None:
    store.do("CREATE TABLE people (id INTEGER)")  # of other names: they do not meet
    for words in (("auth",), (), ()):  # the first as if it had been interrupted
        answer = store.command("migrate", "-v0", *words)
        assert (answer.returncode, answer.stderr) == (0, "")
    assert store.metadata() == {"schema_family": "agent-harness-runtime", "schema_version": "1"}


@pytest.mark.parametrize("words", [UP, MIGRATE, SERVE, ("start_run", "hello")])
def test_what_a_newer_version_made_is_refused(prepared: Store, words: tuple[str, ...]) -> None:
    prepared.do(
        "UPDATE runtime_metadata SET value = 'agent-harness-runtime' WHERE key = 'schema_family'",
        "UPDATE runtime_metadata SET value = '1' WHERE key = 'schema_version'",
    )
    prepared.do(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('runtime', '0999_future', '2030-01-01')"
    )
    try:
        refused(
            prepared,
            words,
            "was changed by a newer version of this program (0999_future). Start that version, or restore "
            "the backup from before the upgrade.",
        )
    finally:
        prepared.do("DELETE FROM django_migrations WHERE name = '0999_future'")
