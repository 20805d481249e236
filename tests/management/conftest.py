"""A worker in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from runtime.engine import loop
from runtime.engine.lease import Keeper
from runtime.models import Run


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    """The leases of a worker in this process."""
    kept = Keeper("test-worker", 30.0)
    yield kept
    kept.stop()


@pytest.fixture
def advance(keeper: Keeper) -> Callable[[Run], Run]:
    """Takes a run as far as it goes and reads it again."""

    def take(run: Run) -> Run:
        assert loop.advance(run.run_id, keeper, slots=10)
        run.refresh_from_db()
        return run

    return take
