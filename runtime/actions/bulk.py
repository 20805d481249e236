"""One verb on many runs: each is decided on its own, and what came of it is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

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
    outcome = Outcome()
    for run_id in _checked(actor, run_ids):
        try:
            cancel_run(actor, run_id, reason)
        except Refused as refusal:
            outcome.refused[run_id] = refusal.detail
        else:
            outcome.done.append(run_id)
    return outcome


def retry_runs(actor: Actor, run_ids: Iterable[str], *, key: str) -> Outcome:
    """Runs those that have ended again. The same `key` and run again: the same new run, not another."""
    outcome = Outcome()
    for run_id in _checked(actor, run_ids):
        try:
            retry_run(actor, run_id, idempotency_key=f"{key}:{run_id}")
        except Refused as refusal:
            outcome.refused[run_id] = refusal.detail
        else:
            outcome.done.append(run_id)
    return outcome


def _checked(actor: Actor, run_ids: Iterable[str]) -> list[str]:
    need(actor, "operator")
    ids = list(dict.fromkeys(run_ids))
    if len(ids) > MOST_RUNS:
        raise Invalid.field(
            "ids", f"{len(ids)} runs are too many for one act; at most {MOST_RUNS} go at once."
        )
    return ids
