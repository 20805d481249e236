"""Events."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from runtime import journal
from runtime.events import EventType
from runtime.models import Event, Run
from tests.api.conftest import Caller, json_of
from tests.persistence.conftest import new_run

pytestmark = pytest.mark.django_db


def test_append_event__stores_the_whole_event(run: Run) -> None:
    with journal.entry(run.run_id) as entry:
        sequence = entry.note(EventType.OUTPUT_DELTA, text="Grüße", call=1)
    event = Event.objects.get(run=run, sequence=sequence)
    assert (event.thread_id, event.type) == (run.thread_id, "output.delta")
    kept = {"type", "thread_id", "run_id", "sequence", "timestamp", "text", "call"}
    assert event.body.keys() == kept
    assert event.body["text"] == "Grüße"


def test_list_run_events__goes_up_by_sequence(reading: Caller, done: Run) -> None:
    items = json_of(reading.get(f"/runs/{done.run_id}/events", limit=200))["items"]
    assert [item["sequence"] for item in items] == list(range(1, len(items) + 1))
    assert items == [event.body for event in Event.objects.of_run(done.run_id)]


def test_defect_06__a_sequence_is_given_once_and_its_event_stays(run: Run) -> None:
    first = Event.objects.get(run=run, sequence=1)
    again = Event(thread_id=run.thread_id, run=run, sequence=1, type="run.queued", event_json="{}", hash=b"x")
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.filter(pk=first.pk).update(event_json='{"type": "other"}')
    assert Event.objects.get(pk=first.pk).event_json == first.event_json


PAIRED = sorted(
    model._meta.db_table
    for model in apps.get_app_config("runtime").get_models()
    if {"thread", "run"} <= {field.name for field in model._meta.get_fields() if field.is_relation}
)


@pytest.mark.parametrize("table", PAIRED)
def test_defect_08__a_row_names_a_run_of_its_own_thread(table: str, everything: Run) -> None:
    model = next(found for found in apps.get_models() if found._meta.db_table == table)
    other = new_run()
    row = model._default_manager.filter(run=everything).first()
    assert row is not None
    for foreign in ({"thread_id": other.thread_id}, {"run_id": other.run_id}):
        with pytest.raises(IntegrityError), transaction.atomic():
            model._default_manager.filter(pk=row.pk).update(**foreign)
