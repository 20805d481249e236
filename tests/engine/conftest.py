"""Runs driven by the real engine and the embedded model, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtime import catalogue, journal
from runtime.engine import loop
from runtime.engine.lease import Keeper
from runtime.models import Run

Script = list[dict[str, Any]]


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    """The leases of a worker in this process."""
    kept = Keeper("test-worker", 30.0)
    yield kept
    kept.stop()


def start(text: str, agent: str = "direct", **values: Any) -> Run:
    """A queued run of a built-in agent."""
    present = catalogue.current()
    spec = present.agent(agent)
    return journal.create_run(
        journal.NewRun(
            input=text,
            agent_id=spec.name,
            execution_mode=spec.execution_mode,
            resolved=present.resolve(spec.name),
            **values,
        )
    )


def script(*turns: dict[str, Any]) -> str:
    """An input that makes the embedded model say exactly these turns."""
    return "script:" + json.dumps(list(turns))


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call of a scripted turn."""
    return {"name": name, "arguments": arguments}


@pytest.fixture
def advance(keeper: Keeper) -> Callable[[Run], Run]:
    """Takes a run as far as it goes and reads it again."""

    def take(run: Run) -> Run:
        assert loop.advance(run.run_id, keeper, slots=10)
        run.refresh_from_db()
        return run

    return take
