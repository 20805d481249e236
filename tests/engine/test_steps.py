"""The next step, decided from rows alone."""

from __future__ import annotations

from typing import Any

from runtime.engine.steps import Answer, CallModel, Doubt, Fail, OpenCall, Park, RunTool, Situation, next_step
from runtime.lifecycle import CallState


def situation(*calls: tuple[str, bool], **values: Any) -> Situation:
    opened = tuple(
        OpenCall(f"c{n}", CallState(state), repeatable) for n, (state, repeatable) in enumerate(calls)
    )
    return Situation(
        **{"open_calls": opened, "turns": 1, "max_turns": 50, "events": 9, "max_events": 100, **values}
    )


def test_it_calls_the_model_when_nothing_is_open() -> None:
    assert next_step(situation(turns=3)) == CallModel(4)


def test_it_takes_calls_in_the_order_of_the_reply() -> None:
    assert next_step(situation(("granted", False), ("granted", True))) == RunTool("c0")


def test_it_runs_nothing_while_one_call_waits() -> None:
    assert next_step(situation(("granted", True), ("waiting", False))) == Park()


def test_it_answers_neighbours_together_and_stops_before_one_that_runs() -> None:
    assert next_step(
        situation(("refused", False), ("answered", False), ("granted", False), ("refused", False))
    ) == (Answer(("c0", "c1")))


def test_it_runs_a_repeatable_call_again_and_doubts_any_other() -> None:
    assert next_step(situation(("started", True))) == RunTool("c0")
    assert next_step(situation(("started", False))) == Doubt("c0")


def test_it_stops_at_a_limit_and_says_which() -> None:
    turns = next_step(situation(turns=50))
    assert isinstance(turns, Fail)
    assert "50" in turns.error
    events = next_step(situation(("granted", True), events=100))
    assert isinstance(events, Fail)
    assert "events_per_run" in events.error
    seconds = next_step(situation(("granted", True), seconds=60.0, max_seconds=60.0))
    assert isinstance(seconds, Fail)
    assert "run_seconds" in seconds.error
    assert isinstance(next_step(situation(seconds=59.0, max_seconds=60.0)), CallModel)
