"""Real faults in the whole product: each turns the right check within 15 s, and back within 30 s."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pysqlite3
import pytest

from tests.openai_server import Answer, OpenAIServer
from tests.openai_server import running as serving
from tests.product import Product, running, wait_for
from tests.settings import TEST_DATABASE_URL

NOTICE_SECONDS, RECOVER_SECONDS = 15.0, 30.0
SILENCE_SECONDS = 20.0  #: a worker says every 15 s that it lives
LIMITS = f"""\
apiVersion: agent-harness/v1alpha1
kind: Workspace
metadata: {{name: faults}}
spec:
  health:
    worker_silence_seconds: {{degraded: {SILENCE_SECONDS}, unhealthy: 600}}
    oldest_queued_seconds: {{degraded: 3, unhealthy: 600}}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose limits let a run and a worker wait less long than usual."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "workspace.yaml").write_text(LIMITS)
    return folder


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    """The provider."""
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def product(
    tmp_path_factory: pytest.TempPathFactory, workspace: Path, model: OpenAIServer
) -> Iterator[Product]:
    """The product with that provider and workspace."""
    extra = {"HARNESS_MODEL_BASE_URL": model.base_url, "HARNESS_WORKSPACE": str(workspace)}
    with running(tmp_path_factory.mktemp("product"), **extra) as started:
        yield started


@pytest.fixture(scope="module")
def api(product: Product) -> Iterator[httpx.Client]:
    """A client that may start runs."""
    with product.client("operator") as client:
        yield client


def check(api: httpx.Client, name: str) -> dict[str, Any]:
    checks = api.get("health").raise_for_status().json()["checks"]
    return next(check for check in checks if check["name"] == name)


def until(api: httpx.Client, name: str, is_so: Callable[[str], bool], seconds: float) -> dict[str, Any]:
    """The check once its status is so."""
    end = time.monotonic() + seconds
    while True:
        found = check(api, name)
        if is_so(found["status"]):
            return found
        assert time.monotonic() < end, f"after {seconds} s: {found}"
        time.sleep(0.25)


def noticed(api: httpx.Client, name: str, within: float = NOTICE_SECONDS) -> dict[str, Any]:
    return until(api, name, lambda status: status in ("degraded", "unhealthy"), within)


def recovered(api: httpx.Client, name: str) -> dict[str, Any]:
    return until(api, name, lambda status: status == "healthy", RECOVER_SECONDS)


def start(api: httpx.Client, text: str = "Say hello.") -> str:
    return str(api.post("runs", json={"input": text}).raise_for_status().json()["run_id"])


@contextmanager
def locked(product: Product) -> Iterator[None]:
    """Another process's transaction that keeps all others from writing."""
    if TEST_DATABASE_URL:
        with psycopg.connect(product.env["DATABASE_URL"]) as server:
            server.execute("LOCK TABLE runtime_metadata, health_report IN EXCLUSIVE MODE")
            yield
            server.rollback()
        return
    other = pysqlite3.connect(product.data_dir / "runtime.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def worker_of(product: Product) -> psutil.Process:
    children = psutil.Process(product.process.pid).children(recursive=True)
    return next(child for child in children if "run_huey" in child.cmdline())


def test_a_provider_that_fails(api: httpx.Client, model: OpenAIServer) -> None:
    until(api, "database", lambda status: status == "healthy", NOTICE_SECONDS)
    model.answer(*[Answer(status=400, text="no such thing")] * 5)
    for run_id in [start(api) for _ in range(5)]:
        end = time.monotonic() + 30
        while api.get(f"runs/{run_id}").json()["state"] != "failed":
            assert time.monotonic() < end
            time.sleep(0.05)
    assert "5 of 5 calls" in noticed(api, "providers")["reason"]
    for run_id in [start(api) for _ in range(5)]:
        wait_for(api, run_id, "completed")
    assert "the last 5 succeeded" in recovered(api, "providers")["reason"]


def test_a_workspace_that_is_broken(api: httpx.Client, workspace: Path) -> None:
    file = workspace / "workspace.yaml"
    file.write_text(LIMITS + "  no_such_key: 1\n")
    found = noticed(api, "workspace")
    assert (found["status"], "workspace.yaml:" in found["reason"]) == ("unhealthy", True)
    file.write_text(LIMITS)
    recovered(api, "workspace")


def test_a_database_that_another_process_keeps_locked(api: httpx.Client, product: Product) -> None:
    recovered(api, "database")
    with locked(product):
        assert noticed(api, "database")["status"] == "unhealthy"
    recovered(api, "database")


def test_a_worker_that_is_frozen_and_a_run_that_nobody_takes(api: httpx.Client, product: Product) -> None:
    worker = worker_of(product)
    worker.send_signal(signal.SIGSTOP)
    try:
        run_id = start(api)
        assert "1 run" in noticed(api, "queue")["reason"]
        noticed(api, "workers", SILENCE_SECONDS + NOTICE_SECONDS)
    finally:
        worker.send_signal(signal.SIGCONT)
    wait_for(api, run_id, "completed")
    recovered(api, "workers")
    recovered(api, "queue")
