"""The retry policy, as a table."""

from __future__ import annotations

import pytest

from runtime.providers import base
from runtime.providers.endpoint import endpoint
from runtime.providers.faults import from_status
from runtime.providers.retry import GiveUp, Retry, RetryPolicy, next_attempt

POLICY = RetryPolicy()
WHERE = endpoint("http://127.0.0.1:1/v1", "")
FAILED = base.ServerTrouble("down", status=503)


def wait(
    error: base.ProviderError, attempt: int = 1, policy: RetryPolicy = POLICY, chance: float = 1.0
) -> float:
    step = next_attempt(error, attempt, False, policy, lambda: chance)
    assert isinstance(step, Retry)
    return step.wait_seconds


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
def test_it_retries_what_may_pass(status: int) -> None:
    assert wait(from_status(status, {}, b"", WHERE, "m")) == 0.5


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 501, 505, 520])
def test_it_never_retries_what_stays_wrong(status: int) -> None:
    error = from_status(status, {}, b"", WHERE, "m")
    assert next_attempt(error, 1, False, POLICY, lambda: 1.0) == GiveUp("Another try would not help.")


@pytest.mark.parametrize("body", [b'{"error": {"code": "context_length_exceeded"}}'])
def test_it_never_retries_a_full_window(body: bytes) -> None:
    error = from_status(400, {}, body, WHERE, "m")
    assert isinstance(error, base.ContextOverflow)
    assert isinstance(next_attempt(error, 1, False, POLICY, lambda: 1.0), GiveUp)


@pytest.mark.parametrize(
    ("kind", "again"),
    [
        (base.Unreachable, True),
        (base.Dropped, True),
        (base.CutShort, True),
        (base.NoFirstByte, True),
        (base.RateLimited, True),
        (base.ServerTrouble, True),
        (base.TooSlow, False),
        (base.Misconfigured, False),
        (base.KeyRefused, False),
        (base.NotThere, False),
        (base.ContextOverflow, False),
        (base.StatusError, False),
        (base.BadAnswer, False),
        (base.AnswerTooLarge, False),
    ],
)
def test_it_follows_the_tree_of_errors(kind: type[base.ProviderError], again: bool) -> None:
    step = next_attempt(kind("it failed"), 1, False, POLICY, lambda: 1.0)
    assert isinstance(step, Retry) is again
    assert kind("it failed").retryable is again


def test_it_never_asks_again_for_what_has_begun() -> None:
    assert isinstance(next_attempt(FAILED, 1, True, POLICY, lambda: 1.0), GiveUp)
    begun = base.Dropped("gone", started=True)
    assert begun.retryable is False
    assert isinstance(next_attempt(begun, 1, False, POLICY, lambda: 1.0), GiveUp)


def test_it_stops_after_three_attempts() -> None:
    steps = [next_attempt(FAILED, attempt, False, POLICY, lambda: 1.0) for attempt in (1, 2, 3, 4)]
    assert steps[:2] == [Retry(0.5), Retry(1.0)]
    assert steps[2] == steps[3] == GiveUp("All 3 attempts failed.")


def test_it_can_be_switched_off() -> None:
    step = next_attempt(FAILED, 1, False, RetryPolicy(attempts=1), lambda: 1.0)
    assert step == GiveUp("Retrying is off.")


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (10_000, 8.0)]
)
def test_it_doubles_the_wait_up_to_the_cap(attempt: int, ceiling: float) -> None:
    assert wait(FAILED, attempt, RetryPolicy(attempts=100_000)) == ceiling


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.999])
def test_it_waits_with_full_jitter(chance: float) -> None:
    assert wait(FAILED, 2, chance=chance) == pytest.approx(chance * 1.0)


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (None, 0.25),
        (0.0, 0.25),
        (0.1, 0.25),
        (7.0, 7.0),
        (60.0, 60.0),
        (3600.0, 60.0),
        (-5.0, 0.25),
        (float("nan"), 0.25),
    ],
)
def test_it_honours_retry_after_up_to_a_minute(asked: float | None, waited: float) -> None:
    assert wait(base.RateLimited("slow down", retry_after=asked), chance=0.5) == pytest.approx(waited)
