"""Where a run's time went: the bars, their places, and the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime import journal
from runtime.events import EventType, iso
from runtime.models import Run
from runtime.web.steps import WIDTH, Step, Waterfall, waterfall
from tests.web.conftest import Advance, Ask, Page, start, text_of

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def drawn(*events: tuple[float, str, dict[str, Any]], now: float = 100.0) -> Waterfall:
    """The waterfall of events at these seconds."""
    made = [
        {"type": kind, "timestamp": iso(BEGIN + timedelta(seconds=at)), **more} for at, kind, more in events
    ]
    return waterfall(made, BEGIN + timedelta(seconds=now))


def bars(found: Waterfall) -> list[tuple[str, str, int, str]]:
    return [(step.kind, step.name, step.took_ms, step.outcome) for step in found.steps]


MODEL = {"call": 1}
TOOL = {"tool_call_id": "c1", "tool_name": "execute"}
ASKED = {"approval_id": "a1", **TOOL}


def test_it_draws_model_person_and_tool_one_after_the_other() -> None:
    found = drawn(
        (0, "model.started", MODEL),
        (2, "model.completed", MODEL),
        (2, "approval.requested", ASKED),
        (4, "approval.resolved", ASKED | {"decision": "approve"}),
        (4, "tool.started", TOOL),
        (7, "tool.completed", TOOL),
    )
    assert bars(found) == [
        ("model", "Model call 1", 2000, ""),
        ("person", "Decision about execute", 2000, "approved"),
        ("tool", "execute", 3000, ""),
    ]
    assert found.spent_ms == {"model": 2000, "person": 2000, "tool": 3000}
    first, _, last = found.steps
    assert first.x == 0
    assert last.x + last.width == pytest.approx(WIDTH)


def test_it_counts_decisions_that_were_waited_for_together_once() -> None:
    other = ASKED | {"approval_id": "a2", "tool_call_id": "c2"}
    later = ASKED | {"approval_id": "a3", "tool_call_id": "c3"}
    found = drawn(
        (0, "approval.requested", ASKED),
        (0, "approval.requested", other),
        (4, "approval.resolved", ASKED | {"decision": "approve"}),
        (7, "approval.resolved", other | {"decision": "approve"}),
        (9, "approval.requested", later),
        (10, "approval.resolved", later | {"decision": "approve"}),
    )
    assert [step.took_ms for step in found.steps] == [4000, 7000, 1000]
    assert found.spent_ms == {"person": 8000}


def test_it_draws_long_waiting_short_and_says_so() -> None:
    found = drawn(
        (0, "model.started", MODEL),
        (10, "model.completed", MODEL),
        (10, "approval.requested", ASKED),
        (86_410, "approval.expired", ASKED | {"decision": None}),
    )
    model, person = found.steps
    assert found.shortened
    assert person.took_ms == 86_400_000
    assert person.width < model.width
    assert person.outcome == "expired"


def test_it_keeps_true_proportions_when_nothing_is_long() -> None:
    found = drawn(
        (0, "model.started", MODEL), (30, "model.completed", MODEL), (30, "tool.started", TOOL), now=40
    )
    model, tool = found.steps
    assert not found.shortened
    assert model.width == pytest.approx(WIDTH * 0.75)
    assert tool.width == pytest.approx(WIDTH * 0.25)
    assert tool.end is None


def test_it_ends_what_a_lost_worker_left_open() -> None:
    found = drawn(
        (0, "tool.started", TOOL),
        (9, "run.recovered", {"from": "running", "to": "queued"}),
        (12, "run.dequeued", {"from": "queued", "to": "running"}),
        (12, "tool.in_doubt", TOOL),
        (20, "tool.resolved", TOOL | {"outcome": "did_not_happen"}),
    )
    assert bars(found) == [
        ("tool", "execute", 9000, "lost"),
        ("queue", "Waits for a worker", 3000, ""),
        ("doubt", "execute in doubt", 8000, "did not happen"),
    ]


def test_it_shows_the_wait_for_a_providers_next_try() -> None:
    found = drawn(
        (0, "model.started", MODEL),
        (1, "model.retried", MODEL),
        (1, "run.queued", {"from": "running", "to": "queued", "next_try_at": "x"}),
        (31, "run.dequeued", {"from": "queued", "to": "running"}),
        (31, "model.started", MODEL | {"attempt": 2}),
        (33, "model.completed", MODEL),
    )
    assert bars(found) == [
        ("model", "Model call 1", 1000, "failed"),
        ("provider", "Next try of the provider", 30_000, ""),
        ("model", "Model call 1, attempt 2", 2000, ""),
    ]


def test_it_ends_everything_with_the_run() -> None:
    found = drawn(
        (0, "approval.requested", ASKED),
        (0, "model.started", MODEL),
        (5, "run.state.changed", {"from": "running", "to": "cancelled"}),
    )
    assert all(step.end is not None for step in found.steps)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [(0, "tool.completed", {})],
        [(0, "model.started", {}), (0, "model.started", {}), (0, "model.completed", {})],
        [(9, "model.started", {}), (1, "model.completed", {})],
        [(200, "model.started", {})],
    ],
)
def test_it_stays_on_the_drawing_whatever_the_events_say(events: Any) -> None:
    for step in drawn(*events).steps:
        assert step.x >= 0
        assert step.x + step.width <= WIDTH


def test_it_passes_over_times_that_are_none() -> None:
    assert waterfall([{"type": "model.started", "timestamp": "yesterday"}, {}], BEGIN).steps == []


def test_it_takes_a_time_without_a_zone_as_utc() -> None:
    begun = {"type": "model.started", "call": 1, "timestamp": "2024-01-02T03:04:05"}
    ended = {"type": "model.completed", "call": 1, "timestamp": "2024-01-02T03:04:07Z"}
    assert waterfall([begun, ended], BEGIN).spent_ms == {"model": 2000}


def test_it_draws_a_step_that_no_time_passed_in() -> None:
    [step] = drawn((0, "model.started", MODEL), (0, "model.completed", MODEL)).steps
    assert isinstance(step, Step)
    assert step.width > 0


class TestPage:
    pytestmark = pytest.mark.django_db

    def test_it_stands_on_the_runs_page(self, viewer: User, ask: Ask) -> None:
        run = ask().run
        html = text_of(Page(viewer).get(f"/runs/{run.pk}/"))
        assert "Decision about write_file" in html
        assert 'class="step-bar"' in html
        assert "Decision about write_file" in text_of(Page(viewer).get(f"/runs/{run.pk}/waterfall/rows/"))

    def test_it_is_empty_before_the_first_step(self, viewer: User) -> None:
        assert "No steps yet" in text_of(Page(viewer).get(f"/runs/{start('hello').pk}/waterfall/"))

    def test_it_is_bounded_for_a_long_run_and_leads_back_in_time(self, viewer: User, long: Run) -> None:
        browser = Page(viewer)
        html = text_of(browser.get(f"/runs/{long.pk}/"))
        assert html.count('class="step-bar"') == 40
        assert f"/runs/{long.pk}/waterfall/" in html
        page, seen = f"/runs/{long.pk}/waterfall/", 0
        for _ in range(5):
            html = text_of(browser.get(page))
            assert html.count('class="step-bar"') <= 200
            seen += html.count('class="step-bar"')
            if "Earlier" not in html:
                break
            before = html.partition('href="?before=')[2].partition('"')[0]
            page = f"/runs/{long.pk}/waterfall/?before={before}"
        assert seen == 300

    @pytest.mark.parametrize("before", ["", "x", "-1", "9" * 40, "٣"])
    def test_it_takes_a_place_that_is_none_as_the_end(
        self, viewer: User, before: str, advance: Advance
    ) -> None:
        run = advance(start("hello"))
        assert "Model call 1" in text_of(Page(viewer).get(f"/runs/{run.pk}/waterfall/?before={before}"))

    @pytest.fixture
    def long(self) -> Run:
        """A run of 300 model calls."""
        run = start("hello")
        lease = journal.claim(run.pk, "w", slots=1, lease_seconds=60)
        with journal.entry(run.pk, lease) as entry:
            for number in range(300):
                entry.note(EventType.MODEL_STARTED, call=number + 1, model="m", attempt=1)
                entry.note(EventType.MODEL_COMPLETED, call=number + 1, model="m", attempt=1)
        return run
