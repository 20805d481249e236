"""Limits of a run that grow with it: its events, and how long it has worked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from pytest_django import Settings

from runtime import catalogue, journal
from runtime.lifecycle import RunState, Why
from runtime.models import Event, Run
from tests.engine.conftest import call, script, start
from tests.journal.conftest import claim

pytestmark = pytest.mark.django_db(transaction=True)

Advance = Callable[[Run], Run]
Limit = Callable[[str], None]


@pytest.fixture
def limit(settings: Settings, tmp_path: Path) -> Iterator[Limit]:
    """Sets one limit of the workspace."""
    settings.WORKSPACE_DIR = tmp_path
    head = "apiVersion: agent-harness/v1alpha1\nkind: Workspace\nmetadata: {name: w}\n"

    def write(text: str) -> None:
        (tmp_path / "workspace.yaml").write_text(f"{head}spec: {{limits: {{{text}}}}}\n")
        catalogue.forget()

    yield write
    catalogue.forget()


def worked(*seconds: float) -> Run:
    """A run that was at work so often and so long, and waited for an hour after each time."""
    run = start(script({"tool_calls": [call("ls")]}, {"text": "done"}))
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        for some in seconds:
            lease = claim(run)
            assert lease is not None
            clock.shift(some)
            journal.hand_back(lease, Why.STOPPING)
            clock.shift(3_600)
    return run


def test_it_counts_what_a_run_has_worked() -> None:
    assert Event.objects.worked(worked().run_id) == 0
    assert Event.objects.worked(worked(10, 2.5).run_id) == 12.5


@pytest.mark.parametrize(
    ("text", "state"),
    [("run_seconds: 12", "failed"), ("run_seconds: 600", "completed"), ("run_seconds: null", "completed")],
)
def test_it_stops_what_has_worked_for_too_long(limit: Limit, advance: Advance, text: str, state: str) -> None:
    limit(text)
    run = advance(worked(10, 2.5))
    assert run.state == state
    if state == RunState.FAILED:
        assert run.state_reason == Why.TIME_LIMIT
        assert run.error == (
            "The run has worked for 12 s; the limit is 12 s (spec.limits.run_seconds in workspace.yaml)."
        )


def test_it_warns_once_before_the_limit_of_events(
    limit: Limit, advance: Advance, caplog: pytest.LogCaptureFixture
) -> None:
    limit("events_warning: 9, events_per_run: 500")
    run = advance(start(script({"tool_calls": [call("ls")]}, {"tool_calls": [call("ls")]}, {"text": "done"})))
    assert run.state == RunState.COMPLETED
    [said] = [record.getMessage() for record in caplog.records if "it ends at" in record.getMessage()]
    assert said.startswith(f"Run {run.run_id} has ")
    assert said.endswith("events; it ends at 500.")
