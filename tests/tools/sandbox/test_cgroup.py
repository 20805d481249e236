"""Control groups: which one is fitting, and what is written. Real ones need a machine that permits them."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.tools.sandbox import Limits, cgroup


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    """A tree like /sys/fs/cgroup: a slice that hands on memory and processes, a service in it."""
    for name, handed_on in (("", "cpu memory pids"), ("a.slice", "memory pids"), ("a.slice/b.service", "")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "cgroup.subtree_control").write_text(handed_on)
    return tmp_path


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("/a.slice/b.service", "a.slice"),
        ("/a.slice", "a.slice"),
        ("/gone.slice/gone.service", ""),
        ("/", ""),
    ],
)
def test_it_finds_the_nearest_group_that_hands_on_what_is_needed(
    mount: Path, own: str, expected: str
) -> None:
    assert cgroup.fitting(mount, own) == mount / expected


def test_it_finds_none_where_too_little_is_handed_on(mount: Path) -> None:
    for name in ("", "a.slice"):
        (mount / name / "cgroup.subtree_control").write_text("cpu memory")
    assert cgroup.fitting(mount, "/a.slice/b.service") is None


def test_it_writes_the_limits_and_moves_processes(mount: Path) -> None:
    group = cgroup.make(Limits(memory=1 << 30, processes=9), mount / "a.slice")
    assert group is not None
    assert group.path.parent == mount / "a.slice"
    assert (group.path / "memory.max").read_text() == "1073741824"
    assert (group.path / "memory.oom.group").read_text() == "1"
    assert (group.path / "pids.max").read_text() == "9"
    group.add(4711)
    assert (group.path / "cgroup.procs").read_text() == "4711"


@pytest.mark.parametrize(
    ("events", "expected"),
    [("low 0\noom_kill 0\n", False), ("low 0\noom_kill 3\n", True), ("", False), ("nonsense", False)],
)
def test_it_reads_whether_memory_ran_out(tmp_path: Path, events: str, expected: bool) -> None:
    (tmp_path / "memory.events").write_text(events)
    assert cgroup.Group(tmp_path).ran_out_of_memory() is expected


def test_it_does_without_where_it_may_not(tmp_path: Path) -> None:
    assert cgroup.make(Limits(), None) is None
    assert cgroup.make(Limits(), tmp_path / "nowhere") is None
    assert cgroup.Group(tmp_path / "nowhere").ran_out_of_memory() is False


def test_it_removes_what_a_killed_worker_left(tmp_path: Path) -> None:
    left = tmp_path / "agent-harness-1"
    left.mkdir()
    others = tmp_path / "other.service"
    others.mkdir()
    assert cgroup.make(Limits(), tmp_path) is not None
    assert not left.exists()
    assert others.exists()
