"""A run that has ended: how, and what can follow."""

from __future__ import annotations

from runtime.diagnosis import faults
from runtime.diagnosis.facts import Act, Cause, Diagnosis, Facts, House
from runtime.diagnosis.words import brief, lasted, sentence, state
from runtime.lifecycle import RunState, Why

#: Reason → cause and act of a run that failed by it; the run's error is the sentence.
_FAILED = {
    Why.POISON: (Cause.POISON, Act.READ_EVENTS),
    Why.CALLS_LIMIT: (Cause.LIMIT, Act.CHECK_WORKSPACE),
    Why.EVENTS_LIMIT: (Cause.LIMIT, Act.CHECK_WORKSPACE),
    Why.TURNS_LIMIT: (Cause.LIMIT, Act.CHECK_WORKSPACE),
    Why.TIME_LIMIT: (Cause.LIMIT, Act.CHECK_WORKSPACE),
    Why.CUT: (Cause.CUT, Act.CONTINUE),
    Why.WITHHELD: (Cause.WITHHELD, Act.CONTINUE),
    Why.SILENT: (Cause.SILENT, Act.RETRY),
    Why.INTERNAL: (Cause.INTERNAL, Act.READ_EVENTS),
}
GONE = " Its checkpoints were removed by maintenance; it can be run again from its request."


def ended(facts: Facts, house: House) -> Diagnosis:
    """How it ended."""
    match RunState(facts.state):
        case RunState.COMPLETED:
            found = _completed(facts)
        case RunState.CANCELLED:
            found = _cancelled(facts)
        case _:
            found = _failed(facts)
    if not facts.checkpoint_gone:
        return found
    return Diagnosis(found.cause, found.sentence + GONE, found.act)


def _completed(facts: Facts) -> Diagnosis:
    took = lasted((facts.since - facts.created_at).total_seconds())
    if facts.reason == Why.UNCLOSED or not (facts.output or "").strip():
        said = f"Ended after {took} without closing words; what it did stands in the transcript."
        return Diagnosis(Cause.UNCLOSED, said, Act.CONTINUE)
    return Diagnosis(Cause.COMPLETED, f"Done after {took}.", Act.NONE)


def _cancelled(facts: Facts) -> Diagnosis:
    before = {
        RunState.QUEUED.value: "while it was queued",
        RunState.RUNNING.value: "while it was at work",
    }.get(facts.previous_state, f"while it was {state(facts.previous_state)}" if facts.previous_state else "")
    why = brief(facts.reason or "cancelled")
    said = f"{why[:1].upper()}{why[1:]}" + (f" ({before})" if before else "")
    call = facts.open_call
    if call is not None:
        said = f"{said}; whether {brief(call.tool_name)} happened is not settled"
        return Diagnosis(Cause.NEVER_SETTLED, f"{said}.", Act.RESOLVE)
    return Diagnosis(Cause.CANCELLED, f"{said}.", Act.RETRY)


def _failed(facts: Facts) -> Diagnosis:
    said = sentence(facts.error or "It failed, and no error was recorded")
    cause, act = Cause.FAILED, Act.RETRY
    if facts.reason == Why.MODEL_FAILED and facts.fault:
        cause, act = faults.ENDS.get(facts.fault, (Cause.FAILED, Act.RETRY))
        if facts.fault in ("dropped", "cut_short") and "had begun" not in said:
            cause = Cause.PROVIDER_TROUBLE
    elif facts.reason in set(Why):
        cause, act = _FAILED.get(Why(facts.reason), (cause, act))
    return Diagnosis(cause, said, act)
