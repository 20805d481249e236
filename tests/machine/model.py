"""What should become of runs, in a page: no database, no clock but a number of seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

LEASE_SECONDS = 30
DEADLINE_SECONDS = 600  #: of an approval for `edit_file`
MAX_CLAIMS = 5
ENDS = {"completed", "failed", "cancelled"}
BUSY = {"queued", "running", "in_doubt"}
REPEATABLE = {"ls", "write_file"}


@dataclass
class Call:
    """A tool call of a run's last reply."""

    tool: str
    path: str
    state: str = "granted"  #: granted, waiting, told, started, doubt
    content: str = "first"
    deadline: float | None = None


@dataclass
class Run:
    """A run that says turn by turn which tools it wants."""

    run_id: str
    name: str  #: what its files' names begin with
    script: list[list[str]]
    state: str = "queued"
    turn: int = 0
    claims: int = 0  #: in a row without progress
    lost_at: float = 0.0  #: when the lease of its dead worker is over
    calls: list[Call] = field(default_factory=list)  #: those without a result

    @property
    def ended(self) -> bool:
        return self.state in ENDS

    @property
    def asked(self) -> list[Call]:
        return [call for call in self.calls if call.state == "waiting"]


@dataclass
class Thread:
    """Runs, one after the other, and the files they share."""

    thread_id: str
    runs: list[Run] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def claimable(self) -> Run | None:
        """The first run that has not ended, when it is queued."""
        first = next((run for run in self.runs if not run.ended), None)
        return first if first is not None and first.state == "queued" else None


def reply(run: Run, now: float) -> None:
    """The model answers: the next turn's calls, or nothing more to do."""
    run.claims = 0
    if run.turn >= len(run.script) or not run.script[run.turn]:
        run.state = "completed"
        return
    for number, tool in enumerate(run.script[run.turn]):
        call = Call(tool, path_of(run, run.turn, number))
        if tool != "ls":
            call.state = "waiting"
        if tool == "edit_file":
            call.deadline = now + DEADLINE_SECONDS
        run.calls.append(call)
    run.turn += 1


def path_of(run: Run, turn: int, number: int) -> str:
    """The file that a call is about; no other call of the thread is about it."""
    return f"{run.name}-{turn}-{number}.txt"


def work(thread: Thread, run: Run, now: float) -> None:
    """A worker takes the run as far as it goes."""
    run.state = "running"
    run.claims += 1
    while run.state == "running":
        if not run.calls:
            reply(run, now)
        elif run.asked:
            run.state = "waiting_for_approval"
        elif run.calls[0].state == "started" and run.calls[0].tool not in REPEATABLE:
            run.calls[0].state = "doubt"
            run.state = "in_doubt"
        else:
            done = run.calls.pop(0)
            run.claims = 0
            if done.tool == "write_file" and done.state in ("granted", "started"):
                thread.files[done.path] = done.content


def die(run: Run, now: float, *, started: bool) -> None:
    """A worker takes the run and is lost, perhaps when it has marked the next call as started."""
    run.state = "running"
    run.claims += 1
    run.lost_at = now + LEASE_SECONDS
    if started:
        run.calls[0].state = "started"


def decide(run: Run, call: Call, verdict: str) -> None:
    """A reviewer's verdict; the last one of a reply queues the run."""
    call.state = "granted" if verdict in ("approve", "edit") else "told"
    call.deadline = None
    if verdict == "edit":
        call.content = "edited"
    if not run.asked:
        run.state = "queued"


def must_fail(run: Run, call: Call) -> bool:
    """The call changes a file that no call before it can make any more."""
    return call.tool == "edit_file" and call is run.calls[0]


def sweep(run: Run, now: float) -> None:
    """What time does to a run."""
    if run.state == "running" and now > run.lost_at:
        recover(run)
    for call in run.asked:
        if call.deadline is not None and now >= call.deadline:
            decide(run, call, "expire")


def recover(run: Run) -> None:
    """Its worker is lost: it is queued again; after too many in a row it ends, unless a call may have
    happened."""
    if run.claims < MAX_CLAIMS:
        run.state = "queued"
    elif run.calls and run.calls[0].state == "started":
        run.calls[0].state = "doubt"
        run.state = "in_doubt"
    else:
        run.state = "failed"
        run.calls.clear()


def cancel(run: Run) -> None:
    run.state = "cancelled"
    run.calls.clear()


def resolve(run: Run, *, happened: bool) -> None:
    """A person says what became of the call in doubt."""
    call = run.calls[0]
    if happened:
        run.calls.pop(0)
        run.claims = 0
        run.state = "queued"
    else:
        call.state = "waiting"
        run.state = "waiting_for_approval"
