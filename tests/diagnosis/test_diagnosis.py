"""The table of situations: what the rows say → cause, sentence, act."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.diagnosis import Act, Asked, Cause, Facts, Progress, diagnose, progress
from runtime.lifecycle import ACTIVE, RunState, Why
from tests.diagnosis.over import OVER
from tests.diagnosis.rows import HOUSE, NOW, ago, facts, failed, queued
from tests.diagnosis.under_way import UNDER_WAY

TABLE = UNDER_WAY | OVER


@pytest.mark.parametrize("name", TABLE)
def test_it_says_cause_sentence_and_act(name: str) -> None:
    given, house, cause, sentence, act = TABLE[name]
    found = diagnose(given, house)
    assert (found.cause, found.sentence, found.act) == (cause, sentence, act)


def test_it_knows_every_cause_it_names() -> None:
    assert {row[2] for row in TABLE.values()} == set(Cause)


def test_it_names_every_act_it_may_ask_for() -> None:
    assert {row[4] for row in TABLE.values()} == set(Act)


def test_it_opens_the_run_that_has_to_end_first() -> None:
    assert diagnose(*TABLE["behind an earlier run"][:2]).target == "r1"
    assert diagnose(*TABLE["child"][:2]).target == "r2"


@pytest.mark.parametrize("state", RunState)
def test_it_says_one_sentence_about_any_state_of_a_bare_row(state: RunState) -> None:
    for reason in ("", "something", *Why):
        said = diagnose(facts(state, reason=reason), HOUSE).sentence
        assert said
        assert "\n" not in said
        assert len(said) < 800


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            Facts(state="completed", since=NOW, created_at=ago(0.4), reason=Why.ANSWERED, output="Done."),
            "Done after less than a second.",
        ),
        (queued(0.4), "Queued less than a second ago; a free worker takes it."),
        (
            facts("waiting_for_approval", pending=(Asked("send_email", ago(0.4)),)),
            "Waiting less than a second for approval of send_email.",
        ),
    ],
)
def test_it_says_no_time_of_no_seconds(given: Facts, sentence: str) -> None:
    assert diagnose(given, HOUSE).sentence == sentence


def test_it_keeps_long_and_broken_text_of_others_on_one_line() -> None:
    said = diagnose(failed(Why.MODEL_FAILED, "line\nline " * 500), HOUSE).sentence
    assert "\n" not in said
    assert len(said) <= 600


@pytest.mark.parametrize(
    ("state", "values", "facet"),
    [
        ("queued", {}, Progress.SLOT),
        ("queued", {"fault": "rate_limited"}, Progress.PROVIDER),
        ("running", {"lease_until": 110.0}, Progress.MOVING),
        ("running", {"lease_until": 99.0}, Progress.LOST),
        ("running", {"lease_until": 1000.0}, Progress.LOST),
        ("waiting_for_approval", {}, Progress.PERSON),
        ("waiting_for_child", {}, Progress.CHILD),
        ("in_doubt", {}, Progress.DOUBT),
        ("completed", {}, None),
        ("failed", {"fault": "rate_limited"}, None),
    ],
)
def test_it_sorts_runs_by_what_they_wait_for(state: str, values: Any, facet: Progress | None) -> None:
    given = {"fault": "", "lease_until": 0.0, **values}
    assert progress(state, now=100.0, lease_seconds=30.0, **given) == facet


def test_it_gives_every_active_state_a_facet() -> None:
    for state in RunState:
        facet = progress(state, fault="", lease_until=110.0, now=100.0, lease_seconds=30.0)
        assert (facet is not None) == (state in ACTIVE)
