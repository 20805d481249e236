"""The supervisor, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness_site.supervisor import TRIES_BEFORE_READY
from tests.ground.supervised import LATE_SECONDS

Drive = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def drive() -> Iterator[Drive]:
    """Starts a supervisor over a server and the given kinds of children (`tests/ground/supervised.py`)."""
    started: list[subprocess.Popen[str]] = []

    def start(*kinds: str, ignore: tuple[signal.Signals, ...] = ()) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.ground.supervised", "drive", *kinds],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: set_signals(ignore),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()  # a `stubborn` child outlives a supervisor that is killed
        process.communicate(timeout=30)


def set_signals(ignore: tuple[signal.Signals, ...]) -> None:
    """The same for every test, whatever these tests were started by, such as `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for number in ignore:
        signal.signal(number, signal.SIG_IGN)


def read_until_ready(process: subprocess.Popen[str]) -> dict[str, int]:
    """The process ids by kind, once `ready:` was printed."""
    assert process.stdout is not None
    found: dict[str, int] = {}
    for line in process.stdout:
        if line.startswith("ready: http://127.0.0.1:"):
            return found
        kind, pid = line.split()
        found[kind] = int(pid)
    raise AssertionError(f"ended before it was ready: {process.stderr.read() if process.stderr else ''}")


def next_start(process: subprocess.Popen[str]) -> tuple[str, int]:
    """The next child that says it is up."""
    assert process.stdout is not None
    kind, pid = process.stdout.readline().split()
    return kind, int(pid)


def has_ended(pid: int) -> bool:
    """Whether the process ends (soon); a zombie counts as ended."""
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(20)
    except psutil.NoSuchProcess:
        pass
    return True


def test_it_is_ready_when_server_and_every_worker_are(drive: Drive) -> None:
    process = drive("worker", "stubborn")
    assert set(read_until_ready(process)) == {"server", "worker", "stubborn"}


def test_it_sleeps_until_the_server_is_up(drive: Drive) -> None:
    process = drive("late", "worker")
    assert set(read_until_ready(process)) == {"server", "worker"}
    used = psutil.Process(process.pid).cpu_times()
    assert used.user + used.system < LATE_SECONDS / 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_all_when_told_to(drive: Drive, number: signal.Signals) -> None:
    process = drive("worker", "worker")
    pids = read_until_ready(process)
    process.send_signal(number)
    assert process.wait(20) == 0
    assert all(not psutil.pid_exists(pid) for pid in pids.values())


def test_it_ends_a_child_that_does_not_listen(drive: Drive) -> None:
    process = drive("stubborn")
    pids = read_until_ready(process)
    process.terminate()
    assert process.wait(20) == 0
    assert not psutil.pid_exists(pids["stubborn"])


def test_it_takes_a_signal_that_comes_twice_at_once_for_one(drive: Drive) -> None:
    process = drive("orderly")
    read_until_ready(process)
    for _ in range(3):  # as `timeout` does: to the process, and to its group
        process.terminate()
    assert process.wait(20) == 0
    assert process.stdout is not None
    assert process.stdout.read() == "left\n"


def test_it_can_be_interrupted_when_started_in_the_background(drive: Drive) -> None:
    process = drive("worker", ignore=(signal.SIGINT,))  # as a shell starts `command &`
    read_until_ready(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_it_outlives_its_terminal_under_nohup(drive: Drive) -> None:
    process = drive("worker", ignore=(signal.SIGHUP,))
    pids = read_until_ready(process)
    process.send_signal(signal.SIGHUP)
    os.kill(pids["worker"], signal.SIGKILL)
    assert next_start(process)[0] == "worker"


@pytest.mark.parametrize("kind", ["server", "worker"])
def test_it_restarts_a_child_that_dies(drive: Drive, kind: str) -> None:
    process = drive("worker")
    pids = read_until_ready(process)
    os.kill(pids[kind], signal.SIGKILL)
    restarted, pid = next_start(process)
    assert restarted == kind
    assert pid != pids[kind]
    assert process.stderr is not None
    assert process.stderr.readline().startswith(f"{kind} (process {pids[kind]}) was ended by signal 9;")
    assert has_ended(pids[kind])


def test_its_children_stay_in_its_process_group(drive: Drive) -> None:
    process = drive("worker")
    pids = read_until_ready(process)
    group = os.getpgid(process.pid)
    assert {os.getpgid(pid) for pid in pids.values()} == {group}


def test_its_children_end_when_it_is_killed(drive: Drive) -> None:
    process = drive("worker")
    pids = read_until_ready(process)
    process.kill()
    process.wait(20)
    assert all(has_ended(pid) for pid in pids.values())


def test_it_waits_for_a_database_that_went_away_before_all_was_up(
    drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = tmp_path / "away"
    away.touch()
    monkeypatch.setenv("AWAY", str(away))
    process = drive("worker", "away")
    assert process.stderr is not None
    for _ in range(TRIES_BEFORE_READY + 1):
        assert "ended with exit code 75; starting it again in" in process.stderr.readline()
    away.unlink()
    assert set(read_until_ready(process)) == {"server", "worker", "away"}


def test_it_gives_up_when_a_child_never_comes_up(drive: Drive) -> None:
    process = drive("worker", "broken")
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "ready:" not in output
    assert "ended with exit code 3, 3 times before it was up; giving up." in errors.splitlines()[-1]
