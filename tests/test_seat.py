"""A worker's slots: no ring is lost because all of them were taken for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from runtime.journal import workers
from runtime.models import Run
from runtime.models.run import RunQuerySet
from runtime.seat import Seat
from tests.engine.conftest import start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seat() -> Iterator[Seat]:
    """One with one slot, without its clocks."""
    before, made = Seat._present, Seat(1)
    yield made
    made.stop()
    workers.leave(made.worker_id)
    Seat._present = before


def test_it_takes_what_came_after_its_last_look(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    look, made = RunQuerySet.claimable, list[Run]()

    def and_then_one_comes(self: RunQuerySet, now: datetime, limits: Any = None) -> list[str]:
        found = look(self, now, limits)
        if not found and not made:
            made.append(start("hello"))
            seat.advance(made[0].run_id)  # another thread takes its ring, while the only slot is still held
        return found

    monkeypatch.setattr(RunQuerySet, "claimable", and_then_one_comes)
    seat.advance(start("hi").run_id)
    assert [run.state for run in Run.objects.order_by("run_id")] == ["completed", "completed"]
    assert not seat._is_missed()
