"""The progress facet: what a run that has not ended waits for. `RunQuerySet.in_progress` asks the same by
index."""

from __future__ import annotations

from enum import StrEnum

from runtime.lifecycle import RunState


class Progress(StrEnum):
    """What moves a run, or keeps it."""

    MOVING = "moving"  #: a worker carries it
    PERSON = "person"  #: a person decides about its calls
    PROVIDER = "provider"  #: the model's provider gave no reply; the next try has a time
    SLOT = "slot"  #: a free slot, or its turn in its thread
    CHILD = "child"  #: a subagent's run
    LOST = "lost"  #: its worker's lease is over
    DOUBT = "doubt"  #: a person says whether a call happened


_BY_STATE = {
    RunState.WAITING_FOR_APPROVAL: Progress.PERSON,
    RunState.WAITING_FOR_CHILD: Progress.CHILD,
    RunState.IN_DOUBT: Progress.DOUBT,
}


def progress(
    state: str, *, fault: str, lease_until: float, now: float, lease_seconds: float
) -> Progress | None:
    """None for a run that has ended. Times in Unix seconds."""
    if state == RunState.QUEUED:
        return Progress.PROVIDER if fault else Progress.SLOT
    if state == RunState.RUNNING:
        lost = lease_until < now or lease_until > now + 3 * lease_seconds
        return Progress.LOST if lost else Progress.MOVING
    return _BY_STATE.get(RunState(state))
