"""One verb on many runs: each is decided on its own, and what came of it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import DatabaseError

from runtime import outage
from runtime.access import Actor
from runtime.actions.checks import need
from runtime.actions.errors import Invalid, Refused
from runtime.actions.runs import cancel_run, retry_run

MOST_RUNS = 200  #: in one act: each is an entry of its own, and somebody waits for the answer


@dataclass(slots=True)
class Outcome:
    """Runs that it was done to, and why not to the others, by id."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def cancel_runs(actor: Actor, run_ids: Iterable[str], reason: str = "") -> Outcome:
    """Cancels those of the runs that have not ended."""
    return _each(actor, run_ids, lambda run_id: cancel_run(actor, run_id, reason))


def retry_runs(actor: Actor, run_ids: Iterable[str], *, key: str) -> Outcome:
    """Runs those that have ended again. The same `key` and run again: the same new run, not another."""
    return _each(actor, run_ids, lambda run_id: retry_run(actor, run_id, idempotency_key=f"{key}:{run_id}"))


def _each(actor: Actor, run_ids: Iterable[str], act: Callable[[str], object]) -> Outcome:
    """What was done stands when the records cannot be used for the next one; then no more is tried."""
    outcome, away = Outcome(), None
    for run_id in _checked(actor, run_ids):
        if away is None:
            try:
                act(run_id)
                outcome.done.append(run_id)
            except Refused as refusal:
                outcome.refused[run_id] = refusal.detail
            except DatabaseError as error:
                away = outage.of(error)
                if away is None:
                    raise
        if away is not None:
            outcome.refused[run_id] = away.sentence
    return outcome


def _checked(actor: Actor, run_ids: Iterable[str]) -> list[str]:
    need(actor, "operator")
    ids = list(dict.fromkeys(run_ids))
    if len(ids) > MOST_RUNS:
        raise Invalid.field(
            "ids", f"{len(ids)} runs are too many for one act; at most {MOST_RUNS} go at once."
        )
    return ids
