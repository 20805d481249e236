"""Named instants at which a test can make this process die, stop or fail. Standard library only.

`HARNESS_FAULT=NAME[:NTH][:ACTION]` arms one of them, in the processes that were started with it: the NTH time
(1) that the point is reached, ACTION happens, once. Actions: `kill` (SIGKILL, the default), `stop` (SIGSTOP,
until somebody sends SIGCONT), `raise` (FaultRaised). It is for tests. No installation can be armed by its
environment alone: without a file `faults-allowed` in HARNESS_DATA_DIR a process that finds it does not start.

Unarmed, a point costs a call and a comparison. Entries are committed at the end of their block: a point that
ends in `.written` lies inside of the transaction, one that ends in `.committed` right after it.
"""

from __future__ import annotations

import os
import signal
import threading
from enum import StrEnum
from pathlib import Path

VARIABLE = "HARNESS_FAULT"
PERMISSION = "faults-allowed"  #: a file in the data directory


class Point(StrEnum):
    """Each is reached at one place of the code, or at a few that mean the same."""

    CREATE_WRITTEN = "create.written"  #: a run, its thread, its request and first events
    CREATE_COMMITTED = "create.committed"  #: before the person who asked for it is answered
    RING_DUE = "ring.due"  #: a commit says that a run is queued, nobody was told
    RING_QUEUED = "ring.queued"  #: its id is in the queue, the doorbell did not ring
    TASK_TAKEN = "task.taken"  #: huey has removed the task from its store
    CLAIM_WRITTEN = "claim.written"  #: a worker's lease and the run's move to running
    CLAIM_COMMITTED = "claim.committed"  #: the run is running and nothing was done yet
    RENEW_WRITTEN = "renew.written"  #: longer leases, by the heartbeat
    HAND_BACK_WRITTEN = "hand_back.written"  #: queued again by a worker that cannot go on
    RECOVER_WRITTEN = "recover.written"  #: queued again after its worker was lost
    RECOVER_COMMITTED = "recover.committed"  #: the same, durable
    ENTRY_FLUSHED = "entry.flushed"  #: every row of any entry is written, the commit is next
    MODEL_MARKED = "model.marked"  #: the model call is noted, nothing was sent
    MODEL_STREAMING = "model.streaming"  #: a piece of the reply came
    DELTA_COMMITTED = "delta.committed"  #: streamed text is recorded
    MODEL_RETRIED = "model.retried"  #: a failed try is recorded, the next one is due
    MODEL_FAILED = "model.failed"  #: the failure is recorded and the run has ended
    REPLY_RECEIVED = "reply.received"  #: the whole reply is here and nowhere else
    REPLY_PROPOSED = "reply.proposed"  #: its calls and approvals are written
    REPLY_COMMITTED = "reply.committed"  #: the reply is recorded: the run goes on, is parked or has ended
    ANSWER_WRITTEN = "answer.written"  #: refusals and people's answers for the transcript
    SETTLE_WRITTEN = "settle.written"  #: a decision, its record and what follows from it
    SETTLE_COMMITTED = "settle.committed"  #: before the reviewer is answered
    EXPIRE_WRITTEN = "expire.written"  #: an approval's deadline has passed
    EXPIRE_COMMITTED = "expire.committed"  #: the same, durable
    DECISION_SPENT = "decision.spent"  #: the decision is used up, its call not yet started
    START_WRITTEN = "start.written"  #: a call is marked as started
    START_COMMITTED = "start.committed"  #: the mark is durable, the tool did nothing yet
    FILE_SYNCED = "file.synced"  #: a tool's file lies there under a temporary name
    FILE_RENAMED = "file.renamed"  #: the file has its name, its folder is not synced
    EFFECT_DONE = "effect.done"  #: the tool has done its work, nobody wrote that down
    ARTIFACT_WRITTEN = "artifact.written"  #: the row of a file that lies there already
    FINISH_WRITTEN = "finish.written"  #: a call's result
    FINISH_COMMITTED = "finish.committed"  #: the same, durable
    DOUBT_WRITTEN = "doubt.written"  #: a call is in doubt, its run parked
    RESOLVE_WRITTEN = "resolve.written"  #: what a person said about a call in doubt
    RESOLVE_COMMITTED = "resolve.committed"  #: before that person is answered
    END_WRITTEN = "end.written"  #: a run's end
    CANCEL_WRITTEN = "cancel.written"  #: a cancelled run, its calls and approvals
    CANCEL_COMMITTED = "cancel.committed"  #: before the person is answered
    DELETE_WRITTEN = "delete.written"  #: a thread's rows are gone, its tombstone stands
    DELETE_COMMITTED = "delete.committed"  #: the rows are gone for good, events and files are there
    DELETE_EVENTS = "delete.events"  #: a batch of its events is gone, there are more
    DELETE_FILES_GONE = "delete.files_gone"  #: the files are gone, the tombstone does not say so
    MAINTAIN_TAKEN = "maintain.taken"  #: a maintenance pass has begun and did nothing yet
    TEXT_WRITTEN = "text.written"  #: streamed text is emptied
    TEXT_COMMITTED = "text.committed"  #: the same, durable; its runs are not marked as emptied
    CHAIN_WRITTEN = "chain.written"  #: checkpoints of ended runs are gone
    CHAIN_COMMITTED = "chain.committed"  #: the same, durable
    MAINTAIN_DONE = "maintain.done"  #: everything is removed, the pass does not say so


class FaultRaised(Exception):
    """What the action `raise` raises."""


class _Fault:
    """One armed point."""

    def __init__(self, point: Point, nth: int, action: str) -> None:
        self.point = point
        self.action = action
        self._left = nth
        self._lock = threading.Lock()

    def reached(self, point: Point) -> None:
        if point is not self.point:
            return
        with self._lock:
            self._left -= 1
            due = self._left == 0
        if due and self.action == "raise":
            raise FaultRaised(f"The point {point} was reached.")
        if due:
            # To this very thread: it goes no instruction further.
            number = signal.SIGKILL if self.action == "kill" else signal.SIGSTOP
            signal.pthread_kill(threading.get_ident(), number)


def reach(point: Point) -> None:
    """What the code says on its way; nothing happens unless this point is armed."""
    if _armed is not None:
        _armed.reached(point)


def _read(text: str, data_dir: str) -> _Fault | None:
    """What the environment asks for. Ends the process when it asks wrongly, or where it may not."""
    if not text:
        return None
    if not data_dir or not (Path(data_dir) / PERMISSION).is_file():
        raise SystemExit(
            f"{VARIABLE} is set: this process would kill itself. It is for tests and works only with a file "
            f"{PERMISSION} in HARNESS_DATA_DIR. Unset it."
        )
    name, _, rest = text.partition(":")
    nth, _, action = rest.partition(":")
    if nth and not nth.isdecimal():
        nth, action = "", nth
    action = action or "kill"
    if name not in set(Point) or action not in {"kill", "stop", "raise"} or nth == "0":
        raise SystemExit(f"{VARIABLE} is {text!r}; it must be NAME[:NTH][:kill|stop|raise].")
    return _Fault(Point(name), int(nth or 1), action)


_armed = _read(os.environ.get(VARIABLE, "").strip(), os.environ.get("HARNESS_DATA_DIR", "").strip())
