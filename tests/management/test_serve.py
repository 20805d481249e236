"""`serve`, where an installation by `up` would not show it."""

from __future__ import annotations

import os
import re
import resource
import select
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from harness_site import data
from tests.product import MANAGE, environment

FEW = 256


def test_it_allows_itself_more_open_files(tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [sys.executable, MANAGE, "serve", "--port", "0"],
        env=environment(tmp_path, HARNESS_READY_FD=str(theirs)),
        pass_fds=(theirs,),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, most)),
    )
    try:
        assert select.select([ours], [], [], 30)[0]
        soft, _ = psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE)
        assert soft > FEW
    finally:
        process.terminate()
        assert process.wait(20) is not None
        os.close(ours)
        os.close(theirs)


def test_each_process_says_how_it_stands_and_a_change_once(tmp_path: Path) -> None:
    env = environment(tmp_path)
    with (tmp_path / "errors.log").open("wb") as errors:
        serve = [sys.executable, str(MANAGE), "serve", "--port", "0"]
        started = [subprocess.Popen(serve, env=env, stderr=errors)]
        try:
            url = said(tmp_path, r"INFO runtime\.management\.commands\.serve: Serves (http://127\S+)/$")
            said(tmp_path, r"ERROR runtime\.api\.probes: Not ready: (migrations): migrations are missing")
            for _ in range(3):
                assert httpx.get(f"{url}/readyz", timeout=20).status_code == 503
            subprocess.run([sys.executable, MANAGE, "migrate", "-v0"], env=env, check=True, timeout=120)
            while httpx.get(f"{url}/readyz", timeout=20).status_code == 503:
                time.sleep(0.3)
            worker = subprocess.Popen([sys.executable, str(MANAGE), "run_huey"], env=env, stderr=errors)
            started.append(worker)
            said(tmp_path, r"run_huey: (The worker takes runs)$")
        finally:
            for process in reversed(started):
                process.terminate()
                assert process.wait(30) is not None
    lines = [line.partition(": ")[2] for line in (tmp_path / "errors.log").read_text().splitlines()]
    assert lines == [
        f"Serves {url}/",
        *[line for line in lines if line.startswith("Not ready: ")],
        "Ready again",
        "The worker takes runs",
        "The worker has stopped; its runs go on elsewhere or at the next start",
    ]
    assert len(lines) == len(set(lines))


def said(data_dir: Path, pattern: str) -> str:
    """The group of the pattern in the log, once it is there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = re.search(pattern, (data_dir / "errors.log").read_text(), re.MULTILINE)
        if found is not None:
            return found[1]
        time.sleep(0.1)
    raise AssertionError((data_dir / "errors.log").read_text())


@pytest.mark.parametrize("command", ["up", "serve"])
def test_it_says_that_nothing_can_be_written(tmp_path: Path, command: str) -> None:
    data.prepare(tmp_path)
    data.secret_key(tmp_path)
    for file in ("up.lock", "served.lock"):
        (tmp_path / file).touch(0o600)
    tmp_path.chmod(0o500)
    ordinary = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*ordinary, sys.executable, str(MANAGE), command, "--port", "0"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr.startswith(
        f"HARNESS_DATA_DIR is {tmp_path}, which cannot be used: Permission denied ("
    )
    assert len(done.stderr.splitlines()) == 1
    assert done.returncode == 1
