"""The promise in figures, with the values that an installation has by itself: everything dies, the queue is
lost, nobody saw it; within a minute of a worker being up no run hangs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runtime.benchmarks.torture.stories import WITNESS, append, script
from tests.crash.place import WEB, WORKER, installed
from tests.product import call

pytestmark = pytest.mark.usefixtures("shell")
PROMISED_SECONDS = 60.0
LONG = {"text": "word " * 200}


def test_within_a_minute_no_run_hangs(tmp_path: Path) -> None:
    with installed(tmp_path, HARNESS_LEASE_SECONDS="30", HARNESS_SWEEP_SECONDS="15") as place:
        place.fleet.start_all()
        waiting = place.start(script({"tool_calls": [append("later")]}, {"text": "done"}))
        command = f"echo once >> {WITNESS}; sleep 600"
        acting = place.start(script({"tool_calls": [call("execute", command=command)]}, {"text": "done"}))
        for run_id in (waiting, acting):
            place.wait(run_id, "waiting_for_approval")
        place.decide(acting)
        place.until(lambda: place.witness(acting))
        speaking = place.start(script(LONG))
        place.until(lambda: place.events(speaking, "output.delta"))
        place.fleet.kill(WORKER)
        queued = place.start(script({"text": "never rung for"}))
        place.fleet.kill(WEB)
        for file in tmp_path.glob("queue.sqlite*"):
            file.unlink()

        place.fleet.start_all()
        end = time.monotonic() + PROMISED_SECONDS
        for run_id in (queued, speaking):
            place.wait(run_id, "completed", seconds=end - time.monotonic())
        place.wait(acting, "in_doubt", seconds=end - time.monotonic())
        assert place.run(waiting)["state"] == "waiting_for_approval"
        assert place.resolve(acting) == "happened"
        assert place.decide(waiting).ok
        for run_id in (acting, waiting):
            place.wait(run_id, "completed")
        assert place.witness(acting) == ["once"]
        assert place.violations() == []
