"""The web server dies by SIGKILL at every named point of what people do: nothing acknowledged is lost, and
what was not acknowledged can be asked for again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.benchmarks.torture.stories import append, script
from tests.crash.place import WEB, WORKER, Place, Unanswered, installed

pytestmark = pytest.mark.usefixtures("shell")
#: Every point that an act of a person passes.
POINTS = {
    "create.written",
    "create.committed",
    "ring.due",
    "ring.queued",
    "settle.written",
    "settle.committed",
    "cancel.written",
    "cancel.committed",
    "resolve.written",
    "resolve.committed",
    "delete.written",
    "delete.committed",
    "delete.files_gone",
}
TALK = {"text": "done"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One installation for all points; at the end the oracle looks at everything that was left."""
    directory: Path = tmp_path_factory.mktemp("web-points")
    with installed(directory) as made:
        made.fleet.start_all()
        yield made
        made.fleet.start_all()
        assert made.violations() == []


def dies(place: Place, fault: str, act: Callable[[], object]) -> None:
    """The web server dies while it does this, and a sound one takes its place."""
    place.fleet.kill(WEB)
    place.arm(WEB, fault)
    place.api.close()
    with pytest.raises(Unanswered):
        act()
    assert place.fleet.wait_death(WEB) == -signal.SIGKILL
    place.heal(WEB)


def waiting(place: Place, mark: str) -> str:
    """A run that waits for a decision about a command."""
    run_id = place.start(script({"tool_calls": [append(mark)]}, TALK))
    place.wait(run_id, "waiting_for_approval")
    return run_id


@pytest.mark.parametrize("fault", ["create.written", "create.committed", "ring.due", "ring.queued"])
def test_it_starts_one_run_for_one_key(place: Place, fault: str) -> None:
    text = script({"tool_calls": [append(fault)]}, TALK)
    dies(place, fault, lambda: place.start(text, key=fault))
    run_id = place.start(text, key=fault)
    place.wait(run_id, "waiting_for_approval")
    place.decide(run_id)
    place.wait(run_id, "completed")
    assert place.witness(run_id) == [fault]


def test_it_finds_a_run_that_nobody_rang_for(place: Place) -> None:
    before = {run["run_id"] for run in place.api.get("runs?limit=200").body["items"]}
    dies(place, "ring.due", lambda: place.start(script(TALK), key="nobody-rang"))
    [made] = [r for r in place.api.get("runs?limit=200").body["items"] if r["run_id"] not in before]
    place.wait(made["run_id"], "completed")


@pytest.mark.parametrize("fault", ["settle.written", "settle.committed"])
def test_it_decides_once(place: Place, fault: str) -> None:
    run_id = waiting(place, fault)
    dies(place, fault, lambda: place.decide(run_id))
    done = not place.pending(run_id)
    assert done == (fault == "settle.committed")
    if not done:
        assert place.decide(run_id).ok
    place.wait(run_id, "completed")
    assert len(place.events(run_id, "approval.resolved")) == 1
    assert place.witness(run_id) == [fault]


@pytest.mark.parametrize("fault", ["cancel.written", "cancel.committed"])
def test_it_cancels_or_it_does_not(place: Place, fault: str) -> None:
    run_id = waiting(place, fault)
    dies(place, fault, lambda: place.cancel(run_id))
    again = place.cancel(run_id)
    assert again.status == (409 if fault == "cancel.committed" else 202)
    assert place.run(run_id)["state"] == "cancelled"
    assert len(place.events(run_id, "run.cancel.requested")) == 1
    assert place.witness(run_id) == []


@pytest.mark.parametrize("fault", ["resolve.written", "resolve.committed"])
def test_it_resolves_once(place: Place, fault: str) -> None:
    run_id = waiting(place, fault)
    place.fleet.kill(WORKER)
    place.arm(WORKER, "effect.done")
    place.decide(run_id)
    place.fleet.wait_death(WORKER)
    place.heal(WORKER)
    place.wait(run_id, "in_doubt")
    dies(place, fault, lambda: place.resolve(run_id))
    if fault == "resolve.written":
        place.resolve(run_id)
    place.wait(run_id, "completed")
    assert len(place.events(run_id, "tool.resolved")) == 1
    assert place.witness(run_id) == [fault]


@pytest.mark.parametrize("fault", ["delete.written", "delete.committed", "delete.files_gone"])
def test_it_deletes_all_or_nothing(place: Place, fault: str) -> None:
    run_id = waiting(place, fault)
    place.decide(run_id)
    thread_id = place.wait(run_id, "completed")["thread_id"]
    folder = place.data_dir / "threads" / thread_id
    dies(place, fault, lambda: place.delete(run_id))
    if fault == "delete.written":
        assert place.witness(run_id) == [fault]
        assert place.delete(run_id).status == 204
    assert place.api.get(f"threads/{thread_id}").status == 404
    place.command("sweep")
    assert not folder.exists()


def test_its_points_are_all_tried() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [point for point in POINTS if text.count(f'"{point}"') < 2] == []
