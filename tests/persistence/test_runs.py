"""Runs and their states."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from runtime import journal, upkeep
from runtime.lifecycle import RUN_MOVES, IllegalMove, RunState
from runtime.models import Event, Run, Thread
from tests.api.conftest import Caller, json_of
from tests.journal.test_races import at_once
from tests.persistence.conftest import claim, end, new_run

pytestmark = pytest.mark.django_db


def moves(run: Run) -> list[tuple[Any, Any]]:
    bodies = [event.body for event in Event.objects.of_run(run.run_id)]
    return [(body["from"], body["to"]) for body in bodies if "to" in body]


@pytest.mark.parametrize(
    ("given", "stored"), [({}, "one_step"), ({"adapter_kind": ""}, ""), ({"adapter_kind": "deep"}, "deep")]
)
def test_create_run__falls_back_to_the_execution_mode_for_null_alone(
    given: dict[str, str], stored: str
) -> None:
    assert new_run(**given).adapter_kind == stored


def test_create_run__starts_queued_with_one_time_for_all() -> None:
    run = Run.objects.get(pk=new_run().pk)
    assert (run.state, run.previous_state, run.resumable) == ("queued", None, False)
    assert run.checkpoint_ref == f"{run.pk}.1", "its first message: the transcript is the checkpoint"
    assert {run.created_at, run.updated_at, run.state_entered_at, run.last_transition_at} == {run.created_at}


def test_set_run_state__keeps_what_was_before_and_touches_run_and_thread() -> None:
    run = new_run()
    before = run.updated_at
    claim(run)
    run.refresh_from_db()
    assert (run.state, run.previous_state) == ("running", "queued")
    assert before < run.updated_at == run.state_entered_at == run.last_transition_at
    thread = Thread.objects.get()
    assert (thread.status, thread.latest_run_id, thread.updated_at) == ("running", run.pk, run.updated_at)


@pytest.mark.parametrize("state", ["waiting_for_approval", "in_doubt", "queued", "failed"])
def test_set_run_state__is_resumable_when_it_waits(state: str) -> None:
    run = new_run()
    with journal.entry(run.run_id, claim(run)) as entry:
        entry.move(RunState(state), "so it goes")
    assert Run.objects.get().resumable is (state in ("waiting_for_approval", "in_doubt"))


def test_set_run_state__keeps_clears_and_stores_a_checkpoint() -> None:
    run = new_run()
    lease = claim(run)
    kept = Run.objects.get().checkpoint_ref
    assert kept == run.checkpoint_ref, "left out: as it was"
    for given in ("c-9", None):
        with journal.entry(run.run_id, lease) as entry:
            entry.set(checkpoint_ref=given)
        assert Run.objects.get().checkpoint_ref == given


def test_list_runs__gives_the_newest_change_first(reading: Caller) -> None:
    first, second = new_run(), new_run()
    claim(first)
    items = json_of(reading.get("/runs"))["items"]
    assert [item["run_id"] for item in items] == [first.run_id, second.run_id]
    assert items[0].keys() >= {"checkpoint_ref", "resumable"}


def test_get_run__is_a_summary_or_none(reading: Caller, run: Run) -> None:
    found = json_of(reading.get(f"/runs/{run.run_id}"))
    assert (found["checkpoint_ref"], found["resumable"]) == (run.checkpoint_ref, False)
    assert reading.get("/runs/missing").status_code == 404


def test_list_thread_runs__gives_the_newest_first(reading: Caller) -> None:
    first = new_run()
    second = new_run(thread_id=first.thread_id)
    new_run()
    listed = json_of(reading.get(f"/runs?thread={first.thread_id}"))
    assert [found["run_id"] for found in listed["items"]] == [second.run_id, first.run_id]


def test_get_run_meta__says_who_it_is_and_raises_when_missing(reading: Caller, run: Run) -> None:
    found = json_of(reading.get(f"/runs/{run.run_id}"))
    said = {key: found[key] for key in ("run_id", "thread_id", "agent_id", "execution_mode", "adapter_kind")}
    assert said == {key: getattr(run, key) for key in said}
    assert json_of(reading.get("/runs/missing"), 404)["detail"] == "There is no run missing."


def test_get_run_lifecycle__says_where_it_stands_and_raises_when_missing(run: Run) -> None:
    with journal.entry(run.run_id) as entry:
        assert (entry.run.state, entry.run.previous_state, entry.run.resumable) == ("queued", None, False)
    with pytest.raises(journal.RunGone, match="missing"), journal.entry("missing"):
        pass


@pytest.mark.parametrize("old", list(RunState))
def test_defect_03__only_the_tables_moves_are_made(old: RunState) -> None:
    run = new_run()
    for new in set(RunState) - RUN_MOVES[old]:
        Run.objects.update(state=old.value)
        with pytest.raises(IllegalMove), journal.entry(run.run_id) as entry:
            entry.move(new, "never")
        run.refresh_from_db()
        assert (run.state, run.last_sequence) == (old.value, 2)


@pytest.mark.django_db(transaction=True)
def test_defect_04__changes_at_once_leave_one_unbroken_history() -> None:
    run = new_run()

    def there_and_back(owner: str) -> None:
        for _ in range(5):
            lease = claim(run, owner)
            if lease is not None:
                journal.hand_back(lease, "again")

    at_once([partial(there_and_back, f"w{n}") for n in range(6)])
    seen = moves(run)
    assert len(seen) > 2
    assert [before for before, _ in seen] == [None, *(after for _, after in seen[:-1])]
    assert list(Event.objects.of_run(run.run_id).values_list("sequence", flat=True)) == list(
        range(1, Run.objects.get().last_sequence + 1)
    )


def test_defect_05__an_older_run_does_not_speak_for_its_thread() -> None:
    older = new_run()
    newer = new_run(thread_id=older.thread_id)
    end(older, claim(older))
    thread = Thread.objects.get()
    assert (thread.latest_run_id, thread.status) == (newer.run_id, "queued")


def test_defect_07__state_event_and_thread_change_together_or_not_at_all() -> None:
    run = new_run()
    lease = claim(run)
    before = [list(found.objects.order_by("pk").values()) for found in (Run, Event, Thread)]

    def crash() -> None:
        with journal.entry(run.run_id, lease) as entry:
            entry.end(RunState.COMPLETED, "done", output="done")
            entry.flush()
            raise MemoryError

    with pytest.raises(MemoryError):
        crash()
    assert [list(found.objects.order_by("pk").values()) for found in (Run, Event, Thread)] == before


def test_defect_08__an_id_that_is_used_moves_no_row() -> None:
    run, other = new_run(), new_run()
    again = Run(run_id=run.run_id, thread_id=other.thread_id, agent_id="direct", state="queued", position=9)
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)
    assert Run.objects.get(pk=run.pk).thread_id == run.thread_id


def test_defect_11__a_crashed_run_is_queued_again() -> None:
    run = new_run()
    claim(run)
    Run.objects.update(lease_until=1.0)  # its worker sent no heartbeat
    assert upkeep.sweep()["recovered"] == 1
    last = Event.objects.of_run(run.run_id).last()
    assert last is not None
    assert (last.type, last.body["from"], last.body["to"]) == ("run.recovered", "running", "queued")
    assert claim(run, "another") is not None
