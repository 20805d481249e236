"""When to try a model call again: pure, no clock. The caller waits, or parks the run until then.

Only before the first token or tool call came; a reply that has begun is never asked for twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runtime.providers.base import ProviderError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` counts the first try as well. Seconds: the wait before try n + 1 is up to
    `base_seconds` * `factor` ** (n - 1), at most `cap_seconds`; a provider's Retry-After counts up to
    `retry_after_cap_seconds`."""

    attempts: int = 3
    base_seconds: float = 0.5
    factor: float = 2.0
    cap_seconds: float = 8.0
    retry_after_cap_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `wait_seconds`."""

    wait_seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again; `reason` is a sentence."""

    reason: str


def next_attempt(
    error: ProviderError, attempt: int, started_output: bool, policy: RetryPolicy, random: Callable[[], float]
) -> Retry | GiveUp:
    """What follows a failed try. `attempt` is the number of that try, from 1. `random` gives 0 to 1."""
    if started_output or error.started:
        return GiveUp("The reply had begun, and what has begun is not asked for again.")
    if not error.retryable:
        return GiveUp("Another try would not help.")
    if attempt >= policy.attempts:
        return GiveUp(
            f"All {policy.attempts} attempts failed." if policy.attempts > 1 else "Retrying is off."
        )
    return Retry(_wait(error.retry_after, attempt, policy, random()))


def _wait(retry_after: float | None, attempt: int, policy: RetryPolicy, chance: float) -> float:
    # The exponent is bounded: a policy with a thousand attempts must not overflow.
    ceiling = min(policy.cap_seconds, policy.base_seconds * policy.factor ** min(attempt - 1, 64))
    # Full jitter: callers that failed together do not come back together.
    jitter = max(0.0, ceiling * min(max(chance, 0.0), 1.0))
    if retry_after is None or not retry_after >= 0:  # "not >=" is also true for NaN
        return jitter
    return max(jitter, min(retry_after, policy.retry_after_cap_seconds))
