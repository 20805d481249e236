"""Fault points: armed on purpose only, in processes of their own."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from runtime import faults
from runtime.faults import PERMISSION, Point
from tests.house import source

WALK = """
import sys
from runtime import faults
for name in sys.argv[1:]:
    try:
        faults.reach(faults.Point(name))
    except faults.FaultRaised as error:
        name = str(error)
    print(name, flush=True)
"""


def walk(data_dir: Path, fault: str, *names: str) -> subprocess.CompletedProcess[str]:
    """A process that reaches these points one after the other and prints each that it came past."""
    env = {**os.environ, "HARNESS_DATA_DIR": str(data_dir), "HARNESS_FAULT": fault}
    return subprocess.run(
        [sys.executable, "-c", WALK, *names], env=env, cwd=source.ROOT, capture_output=True, text=True
    )


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    (tmp_path / PERMISSION).touch()
    return tmp_path


def test_it_kills_the_process_the_nth_time(allowed: Path) -> None:
    points = ["effect.done", "claim.written", "effect.done", "effect.done"]
    done = walk(allowed, "effect.done:2", *points)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["effect.done", "claim.written"]


def test_it_raises_once(allowed: Path) -> None:
    done = walk(allowed, "effect.done:raise", "effect.done", "effect.done")
    assert done.stdout.splitlines() == ["The point effect.done was reached.", "effect.done"]


def test_it_stops_until_it_is_continued(allowed: Path) -> None:
    env = {**os.environ, "HARNESS_DATA_DIR": str(allowed), "HARNESS_FAULT": "effect.done:stop"}
    words = [sys.executable, "-c", WALK, "effect.done"]
    with subprocess.Popen(words, env=env, cwd=source.ROOT, stdout=subprocess.PIPE, text=True) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.communicate()[0].split() == ["effect.done"]


@pytest.mark.parametrize("fault", ["effect.done", "effect.done:2:kill"])
def test_it_refuses_where_nobody_allowed_it(tmp_path: Path, fault: str) -> None:
    done = walk(tmp_path, fault, "effect.done")
    assert done.returncode == 1
    assert PERMISSION in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fault", ["nonsense", "effect.done:0", "effect.done:2:burn", "effect.done:-1"])
def test_it_refuses_what_it_does_not_know(allowed: Path, fault: str) -> None:
    done = walk(allowed, fault)
    assert done.returncode == 1
    assert repr(fault) in done.stderr


def test_it_does_nothing_when_not_armed(allowed: Path) -> None:
    assert faults._armed is None
    assert walk(allowed, "", "effect.done").stdout.split() == ["effect.done"]


def _reached(call: ast.Call) -> list[ast.expr]:
    """What is reached by `reach(…)` or `partial(reach, …)`."""
    if source.name_of(call.func) == "reach":
        return call.args
    later = source.name_of(call.func) == "partial" and source.name_of(call.args[0]) == "reach"
    return call.args[1:] if later else []


def test_every_point_stands_in_the_code() -> None:
    placed = Counter(
        point.attr
        for found in source.read("runtime")
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Call)
        for point in _reached(node)
        if isinstance(point, ast.Attribute)
    )
    assert set(placed) == {point.name for point in Point}
