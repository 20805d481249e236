"""The doorbell between processes."""

from __future__ import annotations

import queue
import socket
from pathlib import Path

import pytest

from runtime import doorbell


@pytest.mark.parametrize("depth", [1, 12])
def test_it_rings_every_listener(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["a-rather-long-name"] * depth)
    heard: queue.Queue[str] = queue.Queue()
    bells = [doorbell.Doorbell(folder, heard.put) for _ in range(2)]
    try:
        assert doorbell.ring(folder, "run-1") == 2
        assert [heard.get(timeout=5), heard.get(timeout=5)] == ["run-1", "run-1"]
    finally:
        for bell in bells:
            bell.close()
    assert doorbell.ring(folder, "run-1") == 0


def test_it_removes_what_a_killed_listener_left(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(tmp_path / "dead"))
    left.close()
    assert doorbell.ring(tmp_path, "x") == 0
    assert not (tmp_path / "dead").exists()


def test_it_does_not_wait_for_a_listener_that_hangs(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        for _ in range(2_000):
            doorbell.ring(tmp_path, "x")


def test_it_rings_nobody_where_nobody_listens(tmp_path: Path) -> None:
    assert doorbell.ring(tmp_path / "missing", "x") == 0
