"""`manage.py up` as a user runs it."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from django.contrib.auth.hashers import make_password

from tests.product import MANAGE, Product, alive, environment, installing, running, wait_for

MEMORY_LIMIT = 250 * 1024 * 1024


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with installing(tmp_path_factory.mktemp("up")) as started:
        yield started


def up(data_dir: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """An `up` that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, MANAGE, "up", "--no-open", *arguments],
        env=environment(data_dir, **extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def children(product: Product) -> list[psutil.Process]:
    """The supervisor's own ones; a worker tries its sandbox in processes below it, which die with it."""
    return psutil.Process(product.process.pid).children()


def child(product: Product, command: str, other_than: int = 0) -> psutil.Process:
    """The child with this command, once there is one."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for process in children(product):
            if command in " ".join(process.cmdline()) and process.pid != other_than:
                return process
        time.sleep(0.02)
    raise AssertionError(f"no child runs {command}")


def test_it_serves_pages_and_answers_probes(product: Product) -> None:
    assert httpx.get(f"{product.url}/healthz").status_code == 200
    assert httpx.get(f"{product.url}/readyz").json()["ready"] is True
    assert httpx.get(f"{product.url}/").headers["location"].startswith("/sign-in/")


def test_its_link_signs_the_first_administrator_in(product: Product) -> None:
    with httpx.Client() as browser:
        page = browser.get(product.sign_in)
        assert page.status_code == 200
        assert browser.get(product.sign_in).status_code == 200  # looking uses nothing up
        token = page.text.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
        answer = browser.post(
            product.sign_in, data={"csrfmiddlewaretoken": token}, headers={"Origin": product.url}
        )
        assert answer.status_code == 302
        assert browser.get(f"{product.url}/").status_code == 200


def test_its_processes_are_one_group_of_known_commands(product: Product) -> None:
    processes = children(product)
    assert {os.getpgid(process.pid) for process in processes} == {os.getpgid(product.process.pid)}
    commands = [" ".join(process.cmdline()) for process in processes]
    assert sum("manage.py serve" in command for command in commands) == 1
    assert sum("manage.py run_huey" in command for command in commands) == 1
    assert len(commands) == 2


def test_it_needs_little_memory(product: Product) -> None:
    tree = [psutil.Process(product.process.pid), *children(product)]
    assert sum(process.memory_info().rss for process in tree) < MEMORY_LIMIT


def test_its_records_and_keys_are_private(product: Product) -> None:
    files = [path for path in product.data_dir.iterdir() if path.suffix in {".sqlite", ".sqlite-wal"}]
    assert {path.name for path in files} >= {"runtime.sqlite", "queue.sqlite"}
    for path in [*files, product.data_dir / "secret_key"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_it_sends_its_policy_with_everything(product: Product) -> None:
    for path in ("/sign-in/", "/static/base/base.css", "/nothing-here/", "/api/v1/runs", "/healthz"):
        headers = httpx.get(product.url + path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';"), path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers.get("x-frame-options") == "DENY" or path.startswith("/static/")
        assert "server" not in headers


def test_it_refuses_hosts_that_are_not_its_own_but_for_probes(product: Product) -> None:
    other = {"Host": "10.0.0.7:8104"}
    assert httpx.get(f"{product.url}/", headers=other).status_code == 400
    for path in ("/healthz", "/readyz"):
        assert httpx.get(product.url + path, headers=other).status_code == 200
    said = (product.data_dir / "errors.log").read_text()
    assert said.count("You may need to add '10.0.0.7' to HARNESS_ALLOWED_HOSTS.") == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_it_refuses_a_body_that_is_too_long(product: Product, chunked: bool) -> None:
    body = b" " * (1024 * 1024 + 1)
    content = iter([body[:1000], body[1000:]]) if chunked else body
    answer = httpx.post(f"{product.url}/api/v1/runs", content=content)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "The request's body is longer than 1048576 bytes."


def test_it_says_that_another_one_serves_the_data_directory(product: Product) -> None:
    answer = up(product.data_dir, "--port", "0")
    assert answer.returncode == 1
    assert f"(process {product.process.pid}) serves the data directory {product.data_dir};" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_it_says_that_the_port_is_in_use(product: Product, tmp_path: Path) -> None:
    port = product.url.rpartition(":")[2]
    answer = up(tmp_path, "--port", port)
    assert answer.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use by another program;" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert "sign in" not in answer.stdout


@pytest.mark.parametrize("workers", ["0", "65"])
def test_it_refuses_a_strange_number_of_workers(tmp_path: Path, workers: str) -> None:
    answer = up(tmp_path, "--port", "0", "--workers", workers)
    assert answer.returncode == 1
    assert answer.stderr == f"--workers is {workers}; it must be from 1 to 64.\n"


def test_it_starts_as_many_workers_as_asked(tmp_path: Path) -> None:
    with running(tmp_path, "--workers", "2") as product:
        commands = [" ".join(process.cmdline()) for process in children(product)]
        assert sum("manage.py run_huey" in command for command in commands) == 2


def test_it_refuses_the_database_of_something_else(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "runtime.sqlite") as database:
        database.execute("UPDATE runtime_metadata SET value = 'other' WHERE key = 'schema_family'")
    database.close()
    answer = up(tmp_path, "--port", "0")
    assert answer.returncode == 1
    assert "holds the schema family 'other', not 'agent-harness-runtime'" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_it_names_what_is_wrong_with_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "models.yaml").write_text("kind: [\n")
    answer = up(tmp_path / "data", "--port", "0", HARNESS_WORKSPACE=str(tmp_path / "workspace"))
    assert answer.returncode == 1
    assert "models.yaml" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    with installing(tmp_path) as first:
        key = (tmp_path / "secret_key").read_text()
        link = first.sign_in
    with running(tmp_path) as second:
        assert (tmp_path / "secret_key").read_text() == key
        assert second.sign_in.rpartition("/link/")[2] != link.rpartition("/link/")[2]
    with sqlite3.connect(tmp_path / "runtime.sqlite") as database:
        people = database.execute("SELECT username, password LIKE '!%' FROM auth_user").fetchall()
    database.close()
    assert people == [("admin", 1)]
    assert "Preparing the database …" in (tmp_path / "errors.log").read_text()
    assert (tmp_path / "errors.log").read_text().count("Preparing") == 1


def test_it_keeps_its_link_out_of_a_log_once_an_administrator_has_a_password(tmp_path: Path) -> None:
    with installing(tmp_path) as first:
        assert first.sign_in  # the only way in, wherever the output goes
    with sqlite3.connect(tmp_path / "runtime.sqlite") as database:
        database.execute("UPDATE auth_user SET password = ?", [make_password("correct horse", hasher="md5")])
    database.close()
    with running(tmp_path) as product:
        assert product.sign_in == ""
    ours, theirs = os.openpty()
    command = [sys.executable, str(MANAGE), "up", "--no-open", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment(tmp_path), stdout=theirs, stderr=subprocess.DEVNULL, start_new_session=True
    )
    os.close(theirs)
    try:
        with open(ours, encoding="utf-8") as terminal:
            assert terminal.readline().startswith("sign in: http://127.0.0.1:")
            assert terminal.readline().startswith("ready: ")
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_all_with_it(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as product:
        processes = children(product)
        product.stop(number)
        assert product.process.returncode == 0
        assert not any(alive(process.pid) for process in processes)
    assert "Traceback" not in (tmp_path / "errors.log").read_text()


def test_it_ends_open_streams_properly(tmp_path: Path) -> None:
    with running(tmp_path) as product, product.client("operator") as api:
        run = api.post("runs", json={"input": "write hello to greeting.txt"}).raise_for_status().json()
        wait_for(api, run["run_id"], "waiting_for_approval")
        with api.stream("GET", f"runs/{run['run_id']}/stream") as stream:
            lines = stream.iter_lines()
            assert any("approval.requested" in line for line in lines)
            product.process.terminate()
            assert "event: end" not in list(lines)  # the answer is complete, but the run goes on later
        assert product.process.wait(20) == 0
    said = (tmp_path / "errors.log").read_text()
    assert said == "Stopped. What was under way goes on at the next start.\n"


@pytest.mark.parametrize("command", ["serve", "run_huey"])
def test_it_restarts_what_is_killed(tmp_path: Path, command: str) -> None:
    with running(tmp_path) as product:
        victim = child(product, f"manage.py {command}")
        victim.kill()
        victim.wait(20)
        # The listening socket is the supervisor's: the client only waits a little longer.
        assert httpx.get(f"{product.url}/healthz", timeout=20).status_code == 200
        assert child(product, f"manage.py {command}", other_than=victim.pid).is_running()


def test_its_pages_come_back_although_the_workspace_broke(tmp_path: Path) -> None:
    for name in ("workspace", "data"):
        (tmp_path / name).mkdir()
    with running(tmp_path / "data", HARNESS_WORKSPACE=str(tmp_path / "workspace")) as product:
        (tmp_path / "workspace" / "models.yaml").write_text("kind: [\n")
        victim = child(product, "manage.py serve")
        victim.kill()
        victim.wait(20)
        answer = httpx.get(f"{product.url}/readyz", timeout=20)
        reasons = {check["name"]: check["reason"] for check in answer.json()["checks"]}
        assert answer.status_code == 503
        assert reasons["workspace"] == "the workspace has problems: 1"


def test_its_children_end_when_it_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as product:
        processes = children(product)
        product.process.kill()
        product.process.wait(20)
        assert psutil.wait_procs(processes, timeout=20)[1] == []
