"""The oracle can see: each protection of the store, taken out, gives a violation in the very story that the
sound store comes through without one."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runtime.benchmarks.torture.stories import append, script
from tests.crash.place import WEB, WORKER, Place, Unanswered, installed
from tests.product import MANAGE, call

pytestmark = pytest.mark.usefixtures("shell")
OTHER = "worker 2"
LONG = {"text": "word " * 100}
SOUND = ""


@contextmanager
def variant(tmp_path: Path, name: str) -> Iterator[Place]:
    """An installation, broken in one way, with a web server."""
    broken = str(Path(__file__).with_name("broken.py"))
    command = (sys.executable, *([broken, name] if name else [str(MANAGE)]))
    with installed(tmp_path, workers=2, command=command) as place:
        yield place


def wait_for_events(place: Place, run_id: str, kind: str, count: int) -> None:
    end = time.monotonic() + 30
    while len(place.events(run_id, kind)) < count:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("broken", [SOUND, "fence"])
def test_it_sees_a_worker_write_that_lost_its_lease(tmp_path: Path, broken: str) -> None:
    keep = {**LONG, "tool_calls": [call("save_artifact", path="a.txt", content="kept")]}
    with variant(tmp_path, broken) as place:
        place.heal(WEB)
        place.arm(WORKER, "reply.received:stop")
        run_id = place.start(script(keep, LONG, LONG))
        wait_for_events(place, run_id, "output.delta", 1)
        place.heal(OTHER)
        wait_for_events(place, run_id, "model.completed", 1)
        place.fleet.signal(WORKER, signal.SIGCONT)
        end = place.wait(run_id, "completed", "failed", "in_doubt", "waiting_for_approval")
        assert end["state"] == "completed" or broken
        found = place.violations()
        assert bool(found) is bool(broken), (found, place.events(run_id))


@pytest.mark.parametrize("broken", [SOUND, "decision"])
def test_it_sees_an_effect_that_was_repeated(tmp_path: Path, broken: str) -> None:
    with variant(tmp_path, broken) as place:
        place.heal(WEB)
        place.arm(WORKER, "effect.done")
        run_id = place.start(script({"tool_calls": [append("once")]}, {"text": "done"}))
        place.wait(run_id, "waiting_for_approval")
        place.decide(run_id)
        place.fleet.wait_death(WORKER)
        place.heal(WORKER)
        if not broken:
            place.wait(run_id, "in_doubt")
            assert place.resolve(run_id) == "happened"
        place.wait(run_id, "completed")
        assert place.witness(run_id) == ["once"] * (2 if broken else 1)
        assert len(place.violations()) == (2 if broken else 0)


@pytest.mark.parametrize("broken", [SOUND, "together"])
def test_it_sees_a_state_without_its_events(tmp_path: Path, broken: str) -> None:
    with variant(tmp_path, broken) as place:
        place.arm(WEB, "ring.due:2")
        run_id = place.start(script({"tool_calls": [append("a")]}, {"text": "done"}))
        place.heal(WORKER)
        place.wait(run_id, "waiting_for_approval")
        place.fleet.kill(WORKER)
        with pytest.raises(Unanswered):
            place.decide(run_id)
        place.fleet.wait_death(WEB)
        found = [
            sentence
            for sentence in place.violations()
            if "stuck" not in sentence and "queued" not in sentence
        ]
        assert bool(found) is bool(broken), found
        assert not broken or any("events" in sentence for sentence in found)


def test_it_sees_a_promise_that_was_not_kept(tmp_path: Path) -> None:
    with variant(tmp_path, SOUND) as place:
        place.ledger.note("start", "no-thread", "no-run", "no-key")
        place.ledger.note("decide", "no-thread", "no-run", "no-approval", "approve")
        place.ledger.note("delete", "no-thread", "no-run")
        place.heard.wrong.append("GET x was answered 500 (text/html).")
        assert len(place.violations()) == 5
