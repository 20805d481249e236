"""The leash: a sandbox dies with its worker, whenever that is killed, and nothing runs before it is on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools.sandbox.test_running import alive

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 10.0

#: A worker: runs one command in a thread, as the engine does.
WORKER = """
import sys, threading
from pathlib import Path
from runtime.tools.sandbox import Limits, run
def say(chunk):
    print(chunk.decode(), end="", flush=True)
def work():
    run(sys.argv[2], Path(sys.argv[1]), Limits(), collect=say)
thread = threading.Thread(target=work)
print("begin", flush=True)
thread.start()
thread.join()
"""
#: As hard to kill as a command can be: another session, no parent, deaf to signals; a witness of its life.
STUBBORN = """
trap '' TERM INT HUP QUIT PIPE
(setsid sh -c 'trap "" TERM INT HUP; while :; do echo . >> beat; sleep 0.02; done' &)
echo started
while :; do sleep 1; done # {marker}
"""


def start(folder: Path, marker: str) -> subprocess.Popen[str]:
    """The worker, in a process group of its own."""
    command = STUBBORN.format(marker=marker)
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def gone(marker: str) -> bool:
    """Whether no process with the marker is left, after a while at most."""
    deadline = time.monotonic() + PATIENCE
    while alive(marker):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def silent(beat: Path) -> bool:
    """Whether the witness has fallen silent."""
    before = beat.stat().st_size if beat.exists() else 0
    time.sleep(0.2)
    return (beat.stat().st_size if beat.exists() else 0) == before


@pytest.mark.parametrize("with_group", [False, True])
def test_it_dies_with_its_worker(shell: None, folder: Path, with_group: bool) -> None:
    marker = f"leash-{os.getpid()}-{with_group}"
    with start(folder, marker) as worker:
        assert worker.stdout is not None
        assert [worker.stdout.readline(), worker.stdout.readline()] == ["begin\n", "started\n"]
        assert len(alive(marker)) > 1
        (os.killpg if with_group else os.kill)(worker.pid, signal.SIGKILL)
        worker.wait()
        assert gone(marker)
        assert silent(folder / "beat")


def test_it_dies_with_a_worker_that_is_killed_at_any_moment(shell: None, folder: Path) -> None:
    chance = random.Random(3)
    for turn in range(15):
        marker = f"moment-{os.getpid()}-{turn}"
        with start(folder, marker) as worker:
            assert worker.stdout is not None
            worker.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.04))  # a sandbox takes some 15 ms to come up
            worker.kill()
            worker.wait()
            assert gone(marker)
            assert silent(folder / "beat")
