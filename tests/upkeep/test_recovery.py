"""How often a run may lose its worker is the workspace's to say, also while it is broken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from runtime import catalogue
from runtime.lifecycle import RunState, Why
from runtime.models import Run
from runtime.upkeep import recovery
from tests.journal.conftest import claim, new_run

pytestmark = pytest.mark.django_db
HEAD = "apiVersion: agent-harness/v1alpha1\nkind: Workspace\nmetadata: {name: w}\n"


@pytest.fixture
def workspace(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """The file of a workspace that gives a run two attempts."""
    settings.WORKSPACE_DIR = tmp_path
    file = tmp_path / "workspace.yaml"
    file.write_text(f"{HEAD}spec: {{recovery: {{attempts: 2}}}}\n")
    catalogue.forget()
    yield file
    catalogue.forget()


def lose(run: Run) -> str:
    """A worker takes the run and dies; the run's state afterwards."""
    assert claim(run) is not None
    Run.objects.update(lease_until=time.time() - 1)
    assert recovery.requeue_orphans() == 1
    run.refresh_from_db()
    return run.state


@pytest.mark.usefixtures("workspace")
def test_it_gives_up_after_so_many_attempts() -> None:
    run = new_run()
    assert [lose(run), lose(run)] == [RunState.QUEUED, RunState.FAILED]
    assert run.state_reason == Why.POISON
    assert run.error == "2 workers in a row lost this run without any progress."


def test_a_broken_workspace_recovers_as_the_last_good_one(workspace: Path) -> None:
    run = new_run()
    assert lose(run) == RunState.QUEUED
    workspace.write_text("kind: [")
    catalogue.forget()
    assert lose(run) == RunState.FAILED
