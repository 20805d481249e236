"""The queue's store is deleted, or overwritten with rubbish, while runs are under way: every run ends, it is
said, and the store is there again. The store is a file only beside SQLite."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pysqlite3
import pytest

from runtime.benchmarks.torture.stories import append, script
from tests.crash.place import WEB, Place, installed

pytestmark = [pytest.mark.usefixtures("shell"), pytest.mark.sqlite]
RUNS = 6
LONG = {"text": "word " * 60}
HEAD = {"apiVersion": "agent-harness/v1alpha1", "kind": "Workspace", "metadata": {"name": "quick"}}
WORKSPACE = {"workspace.yaml": json.dumps({**HEAD, "spec": {"health": {"sample_seconds": 1}}})}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two workers and a web server, which outlive everything."""
    with installed(tmp_path_factory.mktemp("queue"), workers=2, workspace=WORKSPACE) as made:
        yield made
        assert made.alive() == [WEB, "worker 1", "worker 2"]
        assert made.violations() == []


def delete(file: Path) -> None:
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


def overwrite(file: Path) -> None:
    for path in file.parent.glob(f"{file.name}*"):
        with path.open("r+b") as found:
            found.write(os.urandom(max(4096, path.stat().st_size)))


def truncate(file: Path) -> None:
    os.truncate(file, 0)


def queue(place: Place) -> dict[str, str]:
    """What the health report says of it."""
    [found] = [c for c in place.api.get("health").body["checks"] if c["name"] == "queue"]
    return dict(found)


def takes_rings(file: Path) -> bool:
    """Whether it is a sound store, and empty: workers have taken what was in it."""
    try:
        store = pysqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            return bool(store.execute("SELECT count(*) FROM task").fetchone() == (0,))
        finally:
            store.close()
    except pysqlite3.Error:
        return False


def test_it_keeps_nothing_of_a_thread_that_was_deleted(place: Place) -> None:
    place.fleet.start_all()
    file = place.data_dir / "queue.sqlite"
    for name in ("worker 1", "worker 2"):
        place.fleet.kill(name)
    run_id = place.start(script(LONG), key="deleted")
    thread_id = place.run(run_id)["thread_id"]
    assert rung_for(file, run_id)
    assert place.cancel(run_id).ok
    assert place.delete(run_id).status == 204
    place.fleet.start_all()
    place.until(lambda: takes_rings(file))
    assert place.api.get(f"threads/{thread_id}").status == 404


def test_it_comes_up_with_a_queue_that_is_none(place: Place) -> None:
    place.fleet.start_all()
    for name in place.alive():
        place.fleet.kill(name)
    place.api.close()  # it led to a server that is gone
    overwrite(place.data_dir / "queue.sqlite")
    place.fleet.start_all()
    place.wait(place.start(script(LONG), key="none"), "completed")
    place.until(lambda: takes_rings(place.data_dir / "queue.sqlite"))


def rung_for(file: Path, run_id: str) -> bool:
    store = pysqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return any(run_id.encode() in bytes(data) for (data,) in store.execute("SELECT data FROM task"))
    finally:
        store.close()


@pytest.mark.parametrize("harm", [delete, overwrite, truncate])
def test_every_run_ends(place: Place, harm: Callable[[Path], None]) -> None:
    place.fleet.start_all()
    file = place.data_dir / "queue.sqlite"
    place.until(lambda: takes_rings(file))
    name = harm.__name__
    under_way = [place.start(script(LONG), key=f"{name}-{number}") for number in range(RUNS)]
    waiting = place.start(script({"tool_calls": [append(name)]}, {"text": "done"}))
    place.wait(waiting, "waiting_for_approval")
    harm(file)
    later = [place.start(script(LONG), key=f"{name}-later-{number}") for number in range(RUNS)]
    assert place.decide(waiting).ok
    for run_id in (*under_way, *later, waiting):
        place.wait(run_id, "completed")
    assert place.witness(waiting) == [name]
    place.until(lambda: queue(place)["status"] == "degraded")
    assert "The queue failed" in queue(place)["reason"]
    place.until(lambda: takes_rings(file))
    assert file.stat().st_mode & 0o777 == 0o600
