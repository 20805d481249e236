"""A worker that hangs for longer than its lease, and then goes on as if nothing had been: it is fenced."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.benchmarks.torture.stories import append, script
from tests.crash.place import WEB, WORKER, Place, installed

pytestmark = pytest.mark.usefixtures("shell")
OTHER = "worker 2"
TALK = {"text": "word " * 30}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One installation for all; at the end the oracle looks at everything that was left."""
    directory: Path = tmp_path_factory.mktemp("zombies")
    with installed(directory, workers=2) as made:
        made.heal(WEB)
        # A worker that is stopped while it tests its sandbox finds that the sandbox does not hold.
        made.heal(OTHER)
        made.until(lambda: (directory / "sandbox.json").exists())
        made.fleet.kill(OTHER)
        yield made
        assert made.violations() == []


@pytest.fixture(autouse=True)
def _nobody(place: Place) -> Iterator[None]:
    """No worker is there before and after each test."""
    yield
    for name in (WORKER, OTHER):
        if place.fleet.members[name].process is not None:
            place.fleet.kill(name)


def hang(place: Place, fault: str, mark: str) -> str:
    """A run whose worker has stopped at the point, and a second worker; gives the run."""
    place.arm(WORKER, f"{fault}:stop")
    run_id = place.start(script({**TALK, "tool_calls": [append(mark)]}, TALK))
    if fault.startswith(("start", "effect")):
        place.wait(run_id, "waiting_for_approval")
        place.decide(run_id)
    place.heal(OTHER)
    return run_id


def let_go(place: Place) -> None:
    """The zombie awakes, and has time to do harm."""
    place.fleet.signal(WORKER, signal.SIGCONT)
    time.sleep(1.5)


@pytest.mark.parametrize("fault", ["claim.committed", "model.streaming", "reply.received"])
def test_it_writes_nothing_more(place: Place, fault: str) -> None:
    run_id = hang(place, fault, fault)
    place.wait(run_id, "waiting_for_approval")
    let_go(place)
    place.decide(run_id)
    place.wait(run_id, "completed")
    assert place.witness(run_id) == [fault]
    assert [event["call"] for event in place.events(run_id, "model.completed")] == [1, 2]


def test_it_starts_nothing_that_another_worker_has_started_since(place: Place) -> None:
    """Its decision was spent, nobody knew whether it had acted, and a person who looked said: it had not."""
    run_id = hang(place, "start.committed", "once")
    place.wait(run_id, "in_doubt")
    assert place.resolve(run_id) == "did_not_happen"
    place.wait(run_id, "waiting_for_approval")
    place.decide(run_id)
    place.wait(run_id, "completed")
    let_go(place)
    assert place.witness(run_id) == ["once"]


def test_it_leaves_what_it_did_in_doubt(place: Place) -> None:
    run_id = hang(place, "effect.done", "acted")
    place.wait(run_id, "in_doubt")
    let_go(place)
    assert place.run(run_id)["state"] == "in_doubt"
    assert place.resolve(run_id) == "happened"
    place.wait(run_id, "completed")
    assert place.witness(run_id) == ["acted"]
