"""A run that waits for a person or a subagent."""

from __future__ import annotations

from runtime.diagnosis.facts import Act, Asked, Cause, Diagnosis, Facts, House
from runtime.diagnosis.words import brief, clock, names, sentence, since, state
from runtime.lifecycle import RunState


def waiting(facts: Facts, house: House) -> Diagnosis:
    """Which decision or which subagent it waits for."""
    if facts.state == RunState.WAITING_FOR_CHILD:
        return _for_child(facts, house)
    if not facts.pending:
        said = f"It has waited for a decision for {since(facts.since, house.moment)}, yet nothing is pending."
        return Diagnosis(Cause.NOTHING_PENDING, said, Act.CANCEL)
    return _overdue(facts, house) or _tool_off(facts, house) or _for_decision(facts, house)


def in_doubt(facts: Facts, house: House) -> Diagnosis:
    """Which call nobody knows about."""
    tool = brief(facts.open_call.tool_name) if facts.open_call else "a call"
    said = (
        f"In doubt for {since(facts.since, house.moment)}: nobody knows whether {tool} happened. "
        "It is not run again by itself."
    )
    return Diagnosis(Cause.DOUBT, said, Act.RESOLVE)


def _for_child(facts: Facts, house: House) -> Diagnosis:
    waited = since(facts.since, house.moment)
    if facts.blocker is None:
        return Diagnosis(Cause.CHILD, f"Waits for a subagent's run for {waited}.", Act.WAIT)
    said = f"Waits for a subagent's run for {waited}, which is {state(facts.blocker.state)}."
    return Diagnosis(Cause.CHILD, said, Act.OPEN_BLOCKER, facts.blocker.run_id)


def _first_end(pending: tuple[Asked, ...]) -> Asked | None:
    ending = [asked for asked in pending if asked.expires_at is not None]
    return min(ending, key=lambda asked: asked.expires_at or asked.requested_at, default=None)


def _overdue(facts: Facts, house: House) -> Diagnosis | None:
    first = _first_end(facts.pending)
    if first is None or first.expires_at is None or first.expires_at > house.moment:
        return None
    said = (
        f"The approval of {brief(first.tool_name)} ran out at {clock(first.expires_at, house.moment)}; "
        "the next sweep tells the model so."
    )
    return Diagnosis(Cause.APPROVAL_OVERDUE, said, Act.WAIT if house.workers else Act.START_WORKER)


def _tool_off(facts: Facts, house: House) -> Diagnosis | None:
    off = next((asked for asked in facts.pending if asked.tool_name in house.missing_tools), None)
    if off is None:
        return None
    why = house.missing_tools[off.tool_name]
    waited = since(off.requested_at, house.moment)
    said = sentence(
        f"Waiting {waited} for approval of {brief(off.tool_name)}, which is off on this machine: {why}"
    )
    return Diagnosis(Cause.TOOL_OFF, said, Act.DECIDE)


def _for_decision(facts: Facts, house: House) -> Diagnosis:
    oldest = min(asked.requested_at for asked in facts.pending)
    what = f"approval of {brief(facts.pending[0].tool_name)}"
    if len(facts.pending) > 1:
        what = f"{len(facts.pending)} decisions ({names([asked.tool_name for asked in facts.pending])})"
    first = _first_end(facts.pending)
    end = ""
    if first is not None and first.expires_at is not None:
        which = "the first expires" if len(facts.pending) > 1 else "expires"
        end = f", {which} {clock(first.expires_at, house.moment)}"
    return Diagnosis(Cause.APPROVAL, f"Waiting {since(oldest, house.moment)} for {what}{end}.", Act.DECIDE)
