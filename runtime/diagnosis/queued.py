"""A queued run: what it waits for. Its own thread first, then what holds all runs back, then the rest."""

from __future__ import annotations

from runtime.diagnosis import faults
from runtime.diagnosis.facts import Act, Cause, Diagnosis, Facts, House
from runtime.diagnosis.words import brief, clock, count, lasted, sentence, since, state, times
from runtime.lifecycle import Why

PATIENCE_SECONDS = 10.0  #: a due run with a free slot is taken long before

_BACK = {
    Why.LEASE_OVER: Cause.RECOVERED,
    Why.WORKER_DIED: Cause.RECOVERED,
    Why.STOPPING: Cause.HANDED_BACK,
    Why.DECIDED: Cause.DECIDED,
    Why.EXPIRED: Cause.EXPIRED,
}
_SAY = {
    Cause.RECOVERED: "Its worker was lost {ago} ago; it is queued again{from_} and no call of it is in doubt",
    Cause.HANDED_BACK: "Its worker stopped {ago} ago and handed it back; the next one goes on{from_}",
    Cause.DECIDED: "Every call was decided {ago} ago; a worker goes on from there",
    Cause.EXPIRED: "An approval ran out undecided {ago} ago; the model is told and the run goes on",
    Cause.STARTING: "Queued {ago} ago; a free worker takes it",
}


def queued(facts: Facts, house: House) -> Diagnosis:
    """Why it is not at work."""
    return _behind(facts) or _held_by_all(facts, house) or _held_by_itself(facts, house) or _due(facts, house)


def _behind(facts: Facts) -> Diagnosis | None:
    if facts.blocker is None:
        return None
    said = f"Waits for an earlier run of its thread, which is {state(facts.blocker.state)}."
    return Diagnosis(Cause.BEHIND_EARLIER, said, Act.OPEN_BLOCKER, facts.blocker.run_id)


def _held_by_all(facts: Facts, house: House) -> Diagnosis | None:
    waited = since(facts.since, house.moment)
    if house.workers == 0:
        said = f"No worker is running; it has been queued for {waited}."
        return Diagnosis(Cause.NO_WORKER, said, Act.START_WORKER)
    if house.workspace_problem:
        said = sentence(f"The workspace cannot be read, so no run starts: {house.workspace_problem}")
        return Diagnosis(Cause.WORKSPACE_BROKEN, said, Act.CHECK_WORKSPACE)
    return None


def _held_by_itself(facts: Facts, house: House) -> Diagnosis | None:
    waited = since(facts.since, house.moment)
    later = facts.next_try_at is not None and facts.next_try_at > house.moment
    if later and facts.reason == Why.WORKSPACE:
        assert facts.next_try_at is not None
        said = (
            "The workspace could not be read; it is tried again at "
            f"{clock(facts.next_try_at, house.moment, seconds=True)}."
        )
        return Diagnosis(Cause.WORKSPACE_BROKEN, said, Act.WAIT)
    if facts.fault:
        return _behind_provider(facts, house)
    if facts.agent in house.full_agents:
        said = f"The agent {brief(facts.agent)} has as many runs at work as it may have; queued for {waited}."
        return Diagnosis(Cause.AGENT_LIMIT, said, Act.WAIT)
    if house.busy >= house.slots:
        slots = "The only slot is taken" if house.slots == 1 else f"All {house.slots} slots are taken"
        return Diagnosis(Cause.NO_SLOT, f"{slots}; queued for {waited}.", Act.WAIT)
    return None


def _behind_provider(facts: Facts, house: House) -> Diagnosis:
    did = f"{faults.DID.get(facts.fault, faults.OTHERWISE)} {times(max(1, facts.model_attempts))}"
    parts = [did]
    if facts.next_try_at is None or facts.next_try_at <= house.moment:
        parts.append("the next try is due now")
    else:
        parts.append(f"next try {clock(facts.next_try_at, house.moment, seconds=True)}")
    if facts.sharing:
        parts.append(f"{count(facts.sharing, 'other run shares', 'other runs share')} this")
    return Diagnosis(Cause.PROVIDER, "; ".join(parts) + ".", Act.WAIT)


def _due(facts: Facts, house: House) -> Diagnosis:
    waited = (house.moment - facts.since).total_seconds()
    cause = _BACK.get(Why(facts.reason), Cause.STARTING) if facts.reason in set(Why) else Cause.STARTING
    if waited > PATIENCE_SECONDS + house.sweep_seconds:
        said = (
            f"It has been due for {lasted(waited)} and slots are free, yet no worker took it; "
            f"a sweep rings for it every {house.sweep_seconds:g} s."
        )
        return Diagnosis(Cause.NOT_TAKEN, said, Act.CHECK_HEALTH)
    from_ = f" from checkpoint {facts.steps}" if facts.steps else ""
    return Diagnosis(cause, _SAY[cause].format(ago=lasted(waited), from_=from_) + ".", Act.WAIT)
