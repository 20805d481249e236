"""The settings: what the environment may change, what is refused, and the database's promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from harness_site.ready import DATABASE_AWAY
from tests.product import LEAN
from tests.settings import TEST_DATA_DIR

REPOSITORY = Path(__file__).resolve().parents[2]
SHOW = """
import json, sys
from harness_site import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def run(tmp_path: Path, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh process with only these variables set."""
    own = {"PATH": os.environ["PATH"], "HARNESS_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(LEAN)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={**own, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_process_of_the_tests_has_their_settings_and_a_folder_of_its_own() -> None:
    assert settings.SETTINGS_MODULE == "tests.settings"
    assert settings.DATA_DIR == TEST_DATA_DIR


def show(tmp_path: Path, *names: str, **environment: str) -> dict[str, object]:
    answer = run(tmp_path, ["-c", SHOW, *names], **environment)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, object] = json.loads(answer.stdout)
    return found


def test_it_keeps_records_as_sqlite_must_be_kept(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        pragmas = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_it_knows_the_cast(operator: User) -> None:
    assert [group.name for group in operator.groups.all()] == ["operator"]


def test_it_serves_this_machine_by_default(tmp_path: Path) -> None:
    names = (
        "DEBUG",
        "SECURE",
        "ALLOWED_HOSTS",
        "BASE_URL",
        "LEASE_SECONDS",
        "SWEEP_SECONDS",
        "WORKSPACE_DIR",
    )
    assert show(tmp_path, *names) == {
        "DEBUG": False,
        "SECURE": False,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "BASE_URL": "http://127.0.0.1:8000",
        "LEASE_SECONDS": 30.0,
        "SWEEP_SECONDS": 15.0,
        "WORKSPACE_DIR": None,
    }


def test_it_takes_everything_from_the_environment(tmp_path: Path) -> None:
    found = show(
        tmp_path,
        *(
            "SECRET_KEY",
            "ALLOWED_HOSTS",
            "CSRF_TRUSTED_ORIGINS",
            "SESSION_COOKIE_SECURE",
            "CSRF_COOKIE_SECURE",
        ),
        *("LEASE_SECONDS", "TRUSTED_PROXIES", "DEBUG"),
        HARNESS_SECRET_KEY="k" * 60,
        HARNESS_ALLOWED_HOSTS="one.example, two.example",
        HARNESS_BASE_URL="https://harness.example/",
        HARNESS_LEASE_SECONDS="2.5",
        HARNESS_TRUSTED_PROXIES="10.0.0.1, 10.1.0.0/16",
        HARNESS_DEBUG="yes",
    )
    assert found == {
        "SECRET_KEY": "k" * 60,
        "ALLOWED_HOSTS": [
            *("localhost", "127.0.0.1", "[::1]", "one.example", "two.example"),
            "harness.example",
        ],
        "CSRF_TRUSTED_ORIGINS": ["https://harness.example"],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "LEASE_SECONDS": 2.5,
        "TRUSTED_PROXIES": ["10.0.0.1", "10.1.0.0/16"],
        "DEBUG": True,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HARNESS_DEBUG", "perhaps"),
        ("HARNESS_LEASE_SECONDS", "soon"),
        ("HARNESS_LEASE_SECONDS", "nan"),
        ("HARNESS_SWEEP_SECONDS", "0"),
        ("HARNESS_BASE_URL", "harness.example"),
        ("HARNESS_BASE_URL", "https://harness.example/below/"),
        ("HARNESS_BASE_URL", "https://a b"),
        ("HARNESS_BASE_URL", "https://me:word@harness.example"),
        ("HARNESS_BASE_URL", "https://harness.example:99999"),
        ("HARNESS_BASE_URL", "https://harness.example:0"),
        ("HARNESS_BASE_URL", "https://[::1"),
        ("DATABASE_URL", "mysql://localhost/harness"),
        ("DATABASE_URL", "postgresql://localhost"),
        ("DATABASE_URL", "postgresql://localhost:http/harness"),
        ("DATABASE_URL", "postgresql://[::1/harness"),
        ("DATABASE_URL", "postgresql://localhost/harness?no_such_option=1"),
        ("HARNESS_ALLOWED_HOSTS", "https://harness.example"),
        ("HARNESS_ALLOWED_HOSTS", "one.example, two.example:8000"),
        ("HARNESS_TRUSTED_PROXIES", "my-proxy"),
        ("HARNESS_SECRET_KEY", "short"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://localhost:port/0"),
    ],
)
def test_it_refuses_a_wrong_value_with_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    answer = run(tmp_path, ["-c", "import manage; manage.run(['manage.py', 'check'])"], **{name: value})
    assert answer.returncode != 0
    assert answer.stderr.startswith(name)
    assert len(answer.stderr.splitlines()) == 1


CHECK = ["-c", "import manage; manage.run(['manage.py', 'showmigrations'])"]


def test_it_says_that_the_data_directory_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = run(tmp_path, CHECK, HARNESS_DATA_DIR=str(tmp_path / "file" / "data"))
    assert answer.returncode == 1
    expected = f"HARNESS_DATA_DIR is {tmp_path}/file/data, which cannot be used: Not a directory.\n"
    assert answer.stderr == expected


def test_it_says_that_the_database_is_none(tmp_path: Path) -> None:
    (tmp_path / "runtime.sqlite").write_bytes(b"x" * 8192)
    answer = run(tmp_path, CHECK, HARNESS_DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr == "The database in HARNESS_DATA_DIR cannot be used: file is not a database.\n"


def test_it_takes_the_database_from_an_address(tmp_path: Path) -> None:
    url = "postgresql://o%40o:p%2Fw@db.example:5433/records?sslmode=require&options=-c%20work_mem%3D8MB"
    [default] = show(tmp_path, "DATABASES", DATABASE_URL=url)["DATABASES"].values()  # type: ignore[attr-defined]
    assert default["ENGINE"] == "django.db.backends.postgresql"
    assert (default["NAME"], default["USER"], default["PASSWORD"]) == ("records", "o@o", "p/w")
    assert (default["HOST"], default["PORT"], default["CONN_MAX_AGE"]) == ("db.example", "5433", 0)
    assert default["OPTIONS"]["sslmode"] == "require"
    assert default["OPTIONS"]["options"].endswith(" -c work_mem=8MB")
    assert "lock_timeout" in default["OPTIONS"]["options"]


@pytest.mark.parametrize("url", ["postgresql://olga:secret@[::1/x", "postgresql://olga:secret@db:x/y"])
def test_it_never_repeats_a_password(tmp_path: Path, url: str) -> None:
    answer = run(tmp_path, ["-c", "import manage; manage.run(['manage.py', 'check'])"], DATABASE_URL=url)
    assert answer.returncode != 0
    assert "secret" not in answer.stderr


def test_it_says_in_a_sentence_that_the_server_is_away(tmp_path: Path) -> None:
    url = "postgresql://olga:secret@127.0.0.1:1/records"
    answer = run(tmp_path, ["manage.py", "sign_in_link"], DATABASE_URL=url)
    assert answer.returncode == DATABASE_AWAY
    assert answer.stderr.startswith("The database of DATABASE_URL cannot be used: ")
    assert len(answer.stderr.splitlines()) == 1
    assert "secret" not in answer.stderr
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"secret_key"}


def test_it_is_clean_in_production_settings(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        ["-W", "error", "-m", "django", "check", "--deploy", "--fail-level", "WARNING"],
        DJANGO_SETTINGS_MODULE="harness_site.settings",
        HARNESS_BASE_URL="https://harness.example",
    )
    assert answer.returncode == 0, answer.stderr
