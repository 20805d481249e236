"""A running run: what its worker does, or that the worker is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from runtime.diagnosis import faults
from runtime.diagnosis.facts import Act, Cause, Diagnosis, Facts, House
from runtime.diagnosis.words import brief, clock, ordinal, since, times

SLOW_SECONDS = 120.0
SILENT_SECONDS = 60.0


def running(facts: Facts, house: House) -> Diagnosis:
    """What it does."""
    return _lost(facts, house) or _at_work(facts, house)


def _lost(facts: Facts, house: House) -> Diagnosis | None:
    owner = f"Worker {brief(facts.lease_owner, 80) or '(unknown)'}"
    until = facts.lease_until
    if until is None or until < house.moment:
        silent = _last_sign(facts, house, until)
        said = f"{owner} sent no heartbeat for {since(silent, house.moment)}; {_takeover(facts, house, None)}"
        return Diagnosis(Cause.WORKER_LOST, said, Act.WAIT if house.workers else Act.START_WORKER)
    if until > house.moment + timedelta(seconds=3 * house.lease_seconds):
        said = (
            f"{owner} set its lease by a clock that is far ahead ({clock(until, house.moment)}); "
            f"{_takeover(facts, house, None)}"
        )
        return Diagnosis(Cause.CLOCK_AHEAD, said, Act.CHECK_HEALTH)
    worker = facts.worker
    if worker is None:
        return None
    if worker.stopped_at is not None:
        said = (
            f"{owner} ended {since(worker.stopped_at, house.moment)} ago while it carried this run; "
            f"{_takeover(facts, house, until)}"
        )
        return Diagnosis(Cause.WORKER_SILENT, said, Act.WAIT if house.workers else Act.START_WORKER)
    if (house.moment - worker.heartbeat_at).total_seconds() > SILENT_SECONDS:
        said = (
            f"{owner} was last heard of {since(worker.heartbeat_at, house.moment)} ago, yet it still renews "
            "its lease on this run."
        )
        return Diagnosis(Cause.WORKER_SILENT, said, Act.CHECK_HEALTH)
    return None


def _last_sign(facts: Facts, house: House, until: datetime | None) -> datetime:
    return facts.since if until is None else max(facts.since, until - timedelta(seconds=house.lease_seconds))


def _takeover(facts: Facts, house: House, lease_until: datetime | None) -> str:
    """Who goes on with it and when, and what of it may have happened."""
    if not house.workers:
        taken = "no other worker is running to take it over"
    else:
        by = max(lease_until or house.moment, house.moment) + timedelta(seconds=house.sweep_seconds)
        taken = f"recovery takes it over by {clock(by, house.moment, seconds=True)}"
        if facts.steps:
            taken += f" from checkpoint {facts.steps}"
    call = facts.open_call
    rest = "nothing in doubt" if call is None else f"{brief(call.tool_name)} had started and may be in doubt"
    return f"{taken}, {rest}."


def _at_work(facts: Facts, house: House) -> Diagnosis:
    call = facts.open_call
    after = _after_losses(facts, house)
    if call is not None:
        began = call.started_at or facts.since
        said = f"{brief(call.tool_name)} has been at work for {since(began, house.moment)}{after}."
        return Diagnosis(Cause.TOOL, said, Act.WAIT)
    at = facts.last_event_at or facts.since
    if facts.fault and facts.last_event == "model.retried":
        did = f"{faults.DID.get(facts.fault, faults.OTHERWISE)} {times(max(1, facts.model_attempts))}"
        return Diagnosis(Cause.TRYING_AGAIN, f"{did}; it is tried again in a moment{after}.", Act.WAIT)
    if facts.last_event == "model.started":
        return _asking(at, house, after)
    if facts.last_event == "output.delta":
        return Diagnosis(Cause.MODEL, f"The model is answering{after}.", Act.WAIT)
    return Diagnosis(Cause.AT_WORK, f"At work for {since(facts.since, house.moment)}{after}.", Act.WAIT)


def _asking(began: datetime, house: House, after: str) -> Diagnosis:
    waited = since(began, house.moment)
    if (house.moment - began).total_seconds() > SLOW_SECONDS:
        said = f"The model has said nothing for {waited}{after}; a slow local model is no fault."
        return Diagnosis(Cause.MODEL_SLOW, said, Act.WAIT)
    return Diagnosis(Cause.MODEL, f"The model was asked {waited} ago{after}.", Act.WAIT)


def _after_losses(facts: Facts, house: House) -> str:
    """The claim that lasts is the second at least: say so before the run counts as poison."""
    if facts.attempts < 2:
        return ""
    return (
        f", with the {ordinal(facts.attempts)} worker in a row (after {house.attempts} it is not tried again)"
    )
