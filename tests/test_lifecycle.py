"""The tables of allowed moves."""

from __future__ import annotations

import pytest

from runtime.lifecycle import (
    ACTIVE,
    CALL_MOVES,
    RUN_MOVES,
    TERMINAL,
    WAITING,
    CallState,
    IllegalMove,
    RunState,
    check_call_move,
    check_run_move,
)


def test_it_has_a_row_for_every_state() -> None:
    assert set(RUN_MOVES) == {None, *RunState}
    assert set(CALL_MOVES) == set(CallState)


def test_it_lets_nothing_follow_an_end() -> None:
    for state in TERMINAL:
        for to in RunState:
            with pytest.raises(IllegalMove):
                check_run_move(state, to)


def test_it_can_cancel_every_active_state() -> None:
    for state in ACTIVE:
        check_run_move(state, RunState.CANCELLED)


def test_it_runs_only_what_was_queued() -> None:
    assert [old for old in RUN_MOVES if RunState.RUNNING in RUN_MOVES[old]] == [RunState.QUEUED]


def test_it_completes_only_what_runs() -> None:
    assert [old for old in RUN_MOVES if RunState.COMPLETED in RUN_MOVES[old]] == [RunState.RUNNING]


def test_it_reaches_every_state() -> None:
    reached = set().union(*RUN_MOVES.values())
    assert reached == set(RunState)
    assert reached >= WAITING


@pytest.mark.parametrize(
    "old", [CallState.WAITING, CallState.REFUSED, CallState.ANSWERED, CallState.IN_DOUBT]
)
def test_it_starts_no_call_without_a_grant(old: CallState) -> None:
    with pytest.raises(IllegalMove, match="tool call"):
        check_call_move(old, CallState.STARTED)
