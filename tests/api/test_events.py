"""`/runs/{run_id}/events`, and the permission for the stream."""

from __future__ import annotations

import json

import pytest

from runtime import journal, viewing
from runtime.events import EventType
from runtime.models import Event, Run
from tests.api.conftest import Caller, json_of


class TestList:
    def test_it_gives_the_events_as_they_were_stored(self, reading: Caller, done: Run) -> None:
        items = json_of(reading.get(f"/runs/{done.run_id}/events", limit=200))["items"]
        assert [item["sequence"] for item in items] == list(range(1, len(items) + 1))
        assert items == [event.body for event in Event.objects.of_run(done.run_id)]
        assert items[0]["type"] == "run.created"
        assert items[-1]["to"] == "completed"

    def test_it_goes_on_after_a_sequence(self, reading: Caller, done: Run) -> None:
        body = json_of(reading.get(f"/runs/{done.run_id}/events", after=2, limit=2))
        assert [item["sequence"] for item in body["items"]] == [3, 4]
        more = json_of(reading.get(f"/runs/{done.run_id}/events", cursor=body["next_cursor"], limit=1))
        assert [item["sequence"] for item in more["items"]] == [5]

    def test_it_ends(self, reading: Caller, done: Run) -> None:
        last = done.last_sequence
        assert json_of(reading.get(f"/runs/{done.run_id}/events", after=last)) == {
            "items": [],
            "next_cursor": None,
        }

    def test_it_filters_by_type(self, reading: Caller, done: Run) -> None:
        items = json_of(reading.get(f"/runs/{done.run_id}/events", type="run.dequeued"))["items"]
        assert [item["type"] for item in items] == ["run.dequeued"]

    def test_it_shows_what_is_left_of_an_emptied_event(self, reading: Caller, done: Run) -> None:
        texts = Event.objects.filter(run=done, type="output.delta")
        assert texts.update(event_json="") > 0
        items = json_of(reading.get(f"/runs/{done.run_id}/events", type="output.delta"))["items"]
        assert items[0]["sequence"] == texts[0].sequence
        assert items[0].keys() == {"type", "thread_id", "run_id", "sequence", "timestamp", "text"}
        assert items[0]["text"] == "", "whoever reads texts need not ask whether there is one"

    def test_it_keeps_hostile_text_inside_of_the_json(self, reading: Caller, run: Run) -> None:
        text = '"}],"next_cursor":"x"}\u2028</script>\x1b[2J'
        with journal.entry(run.run_id) as entry:
            entry.note(EventType.OUTPUT_DELTA, text=text, call=1)
        items = json_of(reading.get(f"/runs/{run.run_id}/events"))["items"]
        assert items[-1]["text"] == text

    @pytest.mark.parametrize(
        "query",
        [
            {"after": -1},
            {"after": "x"},
            {"after": 2**40},
            {"type": "nonsense"},
            {"cursor": "x"},
            {"limit": 0},
        ],
    )
    def test_it_refuses_what_makes_no_sense(
        self, reading: Caller, run: Run, query: dict[str, object]
    ) -> None:
        assert reading.get(f"/runs/{run.run_id}/events", **query).status_code == 422


class TestStream:
    def test_it_grants_the_stream(self, reading: Caller, run: Run) -> None:
        answer = reading.get(f"/runs/{run.run_id}/stream", after=3)
        assert answer.status_code == 200
        assert answer.content == b""
        grant = json.loads(answer.headers["X-Harness-Stream"])
        assert grant["kind"] == "api"
        assert grant["run_id"] == run.run_id
        assert grant["after"] == 3
        assert grant["viewer"].startswith("service:")
        assert viewing.may_still_view([grant["viewer"]]) == {grant["viewer"]}

    def test_it_goes_on_where_the_client_was(self, reading: Caller, run: Run) -> None:
        answer = reading.get(f"/runs/{run.run_id}/stream", headers={"Last-Event-ID": "7"}, after=3)
        assert json.loads(answer.headers["X-Harness-Stream"])["after"] == 7

    @pytest.mark.parametrize("seen", ["-1", "x", "1.5", "9" * 30, "١"])
    def test_it_refuses_a_made_up_place(self, reading: Caller, run: Run, seen: str) -> None:
        answer = reading.get(f"/runs/{run.run_id}/stream", headers={"Last-Event-ID": seen})
        assert answer.status_code == 422

    def test_it_grants_nothing_to_strangers(self, nobody: Caller, run: Run) -> None:
        answer = nobody.get(f"/runs/{run.run_id}/stream")
        assert answer.status_code == 401
        assert "X-Harness-Stream" not in answer.headers
