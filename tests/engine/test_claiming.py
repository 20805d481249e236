"""Threads of one worker do not get into each other's way when they claim."""

from __future__ import annotations

import pytest

from runtime.engine import loop
from runtime.engine.lease import Keeper
from tests.engine.conftest import start

pytestmark = pytest.mark.django_db


def test_one_of_two_threads_tries_to_claim_a_run(keeper: Keeper) -> None:
    tries: list[str] = []

    def elsewhere() -> str:
        return "never"

    def claim() -> str | None:
        tries.append("r")
        if len(tries) == 1:
            assert keeper.alone("r", elsewhere) is None
            assert keeper.alone("s", lambda: "another run") == "another run"
            return None  # in vain; but somebody came meanwhile, who may have known better
        return "claimed" if len(tries) == 2 else None

    assert keeper.alone("r", claim) == "claimed"
    assert keeper.alone("r", claim) is None
    assert len(tries) == 3


def test_a_claim_that_fails_leaves_the_run_to_others(keeper: Keeper) -> None:
    def claim() -> None:
        raise RuntimeError("the database is away")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            keeper.alone("r", claim)
    assert keeper.alone("r", lambda: "claimed") == "claimed"


def test_a_run_that_another_thread_is_about_to_claim_is_left_to_it(keeper: Keeper) -> None:
    run = start("hello")
    tried: list[bool] = []

    def claim() -> str:
        tried.append(loop.advance(run.run_id, keeper, slots=4))
        return "claimed"

    keeper.alone(run.run_id, claim)
    assert tried == [False]
    run.refresh_from_db()
    assert run.state == "queued"
    assert loop.advance(run.run_id, keeper, slots=4)
