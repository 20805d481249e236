"""The whole product as a user runs it: `manage.py up` on a data directory of its own, spoken to over HTTP."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests import stores
from tests.settings import TEST_DATABASE_URL

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
LEAN = MANAGE.parent / "tests" / "lean"
DATABASE = "runtime.sqlite"
START_SECONDS = 60.0
TERMINAL = ("completed", "failed", "cancelled")


@cache
def _migrated() -> Path:
    """A database as `migrate` leaves it, made once in each process of the tests."""
    directory = Path(tempfile.mkdtemp(prefix="harness-migrated-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    env = {**environment(directory), "DATABASE_URL": ""}
    subprocess.run([sys.executable, MANAGE, "migrate", "-v0"], env=env, check=True, timeout=120)
    return directory / DATABASE


def migrate(env: Mapping[str, str]) -> None:
    """Prepares the records of a new installation. On SQLite by a copy, since few tests are about that."""
    file = Path(env["HARNESS_DATA_DIR"]) / DATABASE
    if env.get("DATABASE_URL"):
        subprocess.run([sys.executable, MANAGE, "migrate", "-v0"], env=env, check=True, timeout=120)
    elif not file.exists():
        shutil.copy(_migrated(), file)


def environment(data_dir: Path, **extra: str) -> dict[str, str]:
    """The environment of a fresh installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HARNESS_")}
    if TEST_DATABASE_URL:
        kept["DATABASE_URL"] = stores.database_for(data_dir)
    own = {"HARNESS_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(LEAN)}
    return {**kept, **own, **extra}


@dataclass
class Product:
    """A running installation."""

    process: subprocess.Popen[str]
    data_dir: Path
    env: dict[str, str]
    url: str
    sign_in: str

    def command(self, *arguments: str) -> str:
        """What `manage.py …` prints."""
        done = subprocess.run(
            [sys.executable, MANAGE, *arguments], env=self.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def client(self, *roles: str) -> httpx.Client:
        """An API client of a service account with these roles."""
        options = [part for role in roles for part in ("--role", role)]
        token = self.command("token", "-".join(("test", *roles)), *options)
        return httpx.Client(
            base_url=f"{self.url}/api/v1/", headers={"Authorization": f"Bearer {token}"}, timeout=20
        )

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Ends it; gives the seconds that took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(timeout=30)
        return time.monotonic() - began


@contextmanager
def running(data_dir: Path, *arguments: str, **extra: str) -> Iterator[Product]:
    """`manage.py up`, ready, whose database is prepared already; ended at the end of the block."""
    env = environment(data_dir, **extra)
    if not env.get("DATABASE_URL"):
        migrate(env)
    with installing(data_dir, *arguments, **extra) as product:
        yield product


@contextmanager
def installing(data_dir: Path, *arguments: str, **extra: str) -> Iterator[Product]:
    """The same from nothing, as a person runs it for the first time."""
    env = environment(data_dir, **extra)
    with (data_dir / "errors.log").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, MANAGE, "up", "--no-open", "--port", "0", *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    product = Product(process, data_dir, env, "", "")
    too_long = threading.Timer(START_SECONDS, process.terminate)
    too_long.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("sign in: "):
                product.sign_in = line.removeprefix("sign in: ").strip()
            if line.startswith("ready: "):
                product.url = line.removeprefix("ready: ").strip().rstrip("/")
                break
        too_long.cancel()
        assert product.url, (data_dir / "errors.log").read_text()
        yield product
    finally:
        too_long.cancel()
        product.stop()
        assert process.stdout is not None
        process.stdout.close()


def alive(pid: int) -> bool:
    """Whether a process still does something; a zombie that nobody has reaped yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def script(*turns: dict[str, Any]) -> str:
    """An input that makes the embedded model say exactly these turns."""
    return "script:" + json.dumps(list(turns))


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call of a scripted turn."""
    return {"name": name, "arguments": arguments}


def wait_for(client: httpx.Client, run_id: str, *states: str, seconds: float = 30.0) -> dict[str, Any]:
    """The run, once it is in one of the states."""
    end = time.monotonic() + seconds
    while True:
        run: dict[str, Any] = client.get(f"runs/{run_id}").raise_for_status().json()
        if run["state"] in states:
            return run
        assert time.monotonic() < end, f"still {run['state']}: {run}"
        assert run["state"] not in TERMINAL, f"{run['state']}: {run['error']}"
        time.sleep(0.02)
