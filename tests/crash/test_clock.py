"""Workers whose clocks are wrong, by libfaketime: no run waits for them, and none is taken away from a worker
that is at work. The clock that nobody sets goes right, as it does when a machine's time is set."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.benchmarks.torture.stories import WITNESS, script
from tests.crash.place import WEB, Place, installed
from tests.product import call

pytestmark = pytest.mark.usefixtures("shell")
LIBRARIES = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
MISSING = "This test sets clocks with libfaketime (Debian and Ubuntu: apt install faketime)."
AWRY = (sys.executable, str(Path(__file__).with_name("awry.py")))
HOUR = 3_600
LEASE = 4.0  #: long enough for a heartbeat to be late on a busy machine
WRONG, RIGHT = "worker 1", "worker 2"
LONG = {"text": "word " * 200}
WORKSPACE = {
    "workspace.yaml": json.dumps(
        {
            "apiVersion": "agent-harness/v1alpha1",
            "kind": "Workspace",
            "metadata": {"name": "one-at-a-time"},
            "spec": {"concurrency": {"runs_per_worker": 1}},
        }
    )
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A web server; workers take one run each. At the end the oracle looks at everything that was left."""
    folder = tmp_path_factory.mktemp("clock")
    with installed(
        folder, workers=2, workspace=WORKSPACE, command=AWRY, HARNESS_LEASE_SECONDS=str(LEASE)
    ) as made:
        made.heal(WEB)
        yield made
        assert made.violations() == []


@pytest.fixture(autouse=True)
def _nobody(place: Place) -> Iterator[None]:
    """No worker is there before and after each test."""
    yield
    for name in set(place.alive()) - {WEB}:
        place.fleet.kill(name)


def set_clock(place: Place, name: str, seconds: int) -> None:
    """From now on that worker's clock is so far ahead."""
    draft = place.data_dir / f"{name}.draft"
    draft.write_text(f"{seconds:+d}\n")
    draft.rename(place.data_dir / f"{name}.clock")


def up(place: Place, name: str, seconds: int) -> None:
    """A worker whose clock can be set."""
    assert LIBRARIES, MISSING
    set_clock(place, name, seconds)
    faked = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(place.data_dir / f"{name}.clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    place.fleet.start(name, extra=faked)
    place.fleet.wait()


def held(place: Place, mark: str) -> str:
    """A run whose command goes on until it is let go."""
    command = f"echo {mark} >> {WITNESS}; until [ -e go ]; do sleep 0.1; done"
    text = script({"tool_calls": [call("execute", command=command)]}, {"text": mark})
    run_id = place.start(text, key=secrets.token_hex(8))
    place.wait(run_id, "waiting_for_approval")
    place.decide(run_id)
    end = time.monotonic() + 30
    while not place.events(run_id, "tool.started"):
        assert time.monotonic() < end
        time.sleep(0.05)
    return run_id


def let_go(place: Place, run_id: str) -> None:
    folder = place.data_dir / "threads" / place.run(run_id)["thread_id"] / "files"
    (folder / "go").touch()


@pytest.mark.parametrize("times", [(HOUR,), (-HOUR,), (0, HOUR, -HOUR)], ids=str)
def test_it_takes_no_run_from_a_worker_that_is_at_work(place: Place, times: tuple[int, ...]) -> None:
    first, *later = times
    up(place, RIGHT, 0)
    ours = held(place, "right")
    up(place, WRONG, first)
    theirs = held(place, "wrong")
    for seconds in later or times:
        set_clock(place, WRONG, seconds)
        if later:  # the whole machine's clock is set
            set_clock(place, RIGHT, seconds)
        time.sleep(1.25 * LEASE)
    for run_id, mark in ((ours, "right"), (theirs, "wrong")):
        let_go(place, run_id)
        place.wait(run_id, "completed")
        assert place.witness(run_id) == [mark]
        assert len(place.events(run_id, "run.dequeued")) == 2, "before and after the decision"
        assert place.events(run_id, "run.recovered") == []
    said = {place.events(run_id, "run.dequeued")[1]["worker"] for run_id in (ours, theirs)}
    assert len(said) == 2


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, 2])
def test_it_takes_up_what_a_worker_with_a_wrong_clock_left(place: Place, seconds: int) -> None:
    up(place, WRONG, seconds)
    run_id = place.start(script(LONG), key=secrets.token_hex(8))
    place.wait(run_id, "running")
    place.fleet.kill(WRONG)
    up(place, RIGHT, 0)
    assert place.wait(run_id, "completed")["output"] == LONG["text"]
    assert len(place.events(run_id, "run.recovered")) == 1
