"""A benchmark works in a place of its own and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command

from runtime.benchmarks import place
from runtime.benchmarks.registry import ALL
from tests.benchmarks.conftest import Benchmark
from tests.product import MANAGE, environment


def test_it_lists_them_all() -> None:
    out = StringIO()
    call_command("benchmark", stdout=out)
    assert [line.split()[0] for line in out.getvalue().splitlines()] == list(ALL)


def test_it_leaves_nothing_behind(tmp_path: Path, benchmark: Benchmark) -> None:
    found = benchmark("runs", "--runs", "1", "--rounds", "1", "--in-flight", "1")
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["python_loop_ms"] > 0
    assert {path.name for path in tmp_path.iterdir()} == {"runtime.sqlite", "queue.sqlite", "secret_key"}
    assert (tmp_path / "runtime.sqlite").stat().st_size == 0


def test_it_passes_on_what_is_refused_there(tmp_path: Path) -> None:
    words = [sys.executable, str(MANAGE), "benchmark", "pages", "--few", "10"]
    done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("--few must be")
    assert not list(tmp_path.glob("benchmark-*"))


@pytest.mark.parametrize(
    ("words", "processes"),
    [
        (("runs",), 3),
        (("pages", "--runs", "50000"), 2),
        (("maintenance", "--threads", "500", "--before", "1"), 4),
    ],
)
def test_it_leaves_nothing_behind_when_it_is_ended(
    tmp_path: Path, words: tuple[str, ...], processes: int
) -> None:
    process = subprocess.Popen([sys.executable, MANAGE, "benchmark", *words], env=environment(tmp_path))
    while len(psutil.Process(process.pid).children(recursive=True)) < processes:
        assert process.poll() is None
        time.sleep(0.05)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) != 0
    assert psutil.wait_procs(below, 10)[1] == []
    assert not list(tmp_path.glob("benchmark-*"))


def test_its_place_gets_no_settings_of_the_installation(tmp_path: Path) -> None:
    around = {"HARNESS_SECRET_KEY": "x", "REDIS_URL": "redis://127.0.0.1", "HARNESS_MODEL": "m", "HOME": "/"}
    with place.made(tmp_path, around) as env:
        assert place.is_own(Path(env["HARNESS_DATA_DIR"]))
        assert not place.is_own(tmp_path)
        assert sorted(env) == ["HARNESS_DATA_DIR", "HARNESS_MODEL", "HARNESS_WORKSPACE", "HOME"]
    assert list(tmp_path.iterdir()) == []
