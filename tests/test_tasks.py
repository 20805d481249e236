"""The queue's stores: they hold ids alone, and a run does not depend on them."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from huey.registry import Message
from huey.storage import PostgresStorage, SqliteStorage

from runtime import doorbell, tasks
from tests.journal.conftest import new_run


def message(*args: Any) -> Message:
    return Message(id="i", name="runtime.tasks.advance_run", args=args, kwargs={}, retries=0, retry_delay=0)


def test_it_writes_ids_as_json_and_nothing_else() -> None:
    written = tasks.IdsOnly().serialize(message("run-1"))
    assert json.loads(written) == {"id": "i", "name": "runtime.tasks.advance_run", "args": ["run-1"]}
    assert tasks.IdsOnly().deserialize(written).args == ("run-1",)
    for wrong in (7, {"a": 1}, None):
        with pytest.raises(TypeError):
            tasks.IdsOnly().serialize(message(wrong))


def test_it_keeps_a_ring_until_a_worker_takes_it(transactional_db: None) -> None:
    storage = tasks.huey.storage
    storage.flush_queue()
    run = new_run()
    task = tasks.huey.deserialize_task(storage.dequeue())
    assert task.args == (run.run_id,)
    assert storage.dequeue() is None
    assert storage.read_schedule(None) == []


def test_it_goes_by_the_rows_while_the_store_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, transactional_db: None
) -> None:
    storage = tasks.huey.storage
    storage.flush_queue()
    monkeypatch.setattr(tasks, "AWAY_SECONDS", 0.0)

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError("no store\nis there a server?")

    with monkeypatch.context() as broken:
        for base in (SqliteStorage, PostgresStorage):
            broken.setattr(base, "dequeue", away)
            broken.setattr(base, "enqueue", away)
        with caplog.at_level(logging.WARNING):
            new_run()  # is acknowledged all the same
            looks = [tasks.huey.deserialize_task(storage.dequeue()) for _ in range(3)]
    assert [task.args for task in looks] == [("",)] * 3
    said = [record.getMessage() for record in caplog.records if record.name == "runtime.tasks"]
    assert len(said) == 2
    assert said[0] == "A ring was lost, the next sweep repeats it: no store"
    assert said[1] == "The queue cannot be reached, workers go by the rows: no store"
    assert storage.dequeue() is None
    assert not storage.away


def test_it_prepares_its_store_as_often_as_asked(transactional_db: None) -> None:
    tasks.prepare_store()
    tasks.prepare_store()
    assert tasks.huey.storage.queue_size() >= 0


def test_it_counts_no_more_rings_than_it_has_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.RungWorker, "rung", doorbell.silent_bell(2))
    for _ in range(5):
        tasks.RungWorker.hear()
    woken = [tasks.RungWorker.rung.acquire(blocking=False) for _ in range(4)]
    assert woken == [True, True, False, False]
