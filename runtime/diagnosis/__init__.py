"""Why a run is where it is: its cause, one sentence, and the safe next act. Pure: facts in, words out.

`Facts` are what the rows of one run say, `House` what holds for all runs now. `diagnose` looks at them and at
nothing else; the same facts always give the same words.
"""

from __future__ import annotations

from runtime.diagnosis.ended import ended
from runtime.diagnosis.facts import Act, Asked, Blocker, Call, Cause, Diagnosis, Facts, House, Worker
from runtime.diagnosis.progress import Progress, progress
from runtime.diagnosis.queued import queued
from runtime.diagnosis.running import running
from runtime.diagnosis.waiting import in_doubt, waiting
from runtime.lifecycle import RunState

__all__ = [
    "Act",
    "Asked",
    "Blocker",
    "Call",
    "Cause",
    "Diagnosis",
    "Facts",
    "House",
    "Progress",
    "Worker",
    "diagnose",
    "progress",
]


def diagnose(facts: Facts, house: House) -> Diagnosis:
    """The diagnosis of one run, as of `house.moment`."""
    match RunState(facts.state):
        case RunState.QUEUED:
            return queued(facts, house)
        case RunState.RUNNING:
            return running(facts, house)
        case RunState.IN_DOUBT:
            return in_doubt(facts, house)
        case RunState.WAITING_FOR_APPROVAL | RunState.WAITING_FOR_CHILD:
            return waiting(facts, house)
        case _:
            return ended(facts, house)
