"""From readings to verdicts: what each check says, how a status changes, what all of them amount to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runtime.upkeep.health.readings import Calls, Disk, Heard, Queue, Shells, Store, Waiting, Written
from runtime.workspace.health import Falling, Health, Rising


class Status(StrEnum):
    """How it stands with a check, or with all of them."""

    HEALTHY = "healthy"  #: as it should be
    DEGRADED = "degraded"  #: it works, but somebody should look
    UNHEALTHY = "unhealthy"  #: it does not work
    UNKNOWN = "unknown"  #: nothing is known yet, which is no fault


#: The worse, the higher. Unknown counts as healthy: maintenance that has never run is no fault.
RANK = {Status.UNKNOWN: 0, Status.HEALTHY: 0, Status.DEGRADED: 1, Status.UNHEALTHY: 2}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says: one sentence, and the figure behind it."""

    status: Status
    reason: str
    value: float | None = None


def rising(value: float, limits: Rising) -> Status:
    """The more, the worse."""
    if value >= limits.unhealthy:
        return Status.UNHEALTHY
    return Status.DEGRADED if value >= limits.degraded else Status.HEALTHY


def falling(value: float, limits: Falling) -> Status:
    """The less, the worse."""
    if value < limits.unhealthy:
        return Status.UNHEALTHY
    return Status.DEGRADED if value < limits.degraded else Status.HEALTHY


def database(found: Written, health: Health) -> Verdict:
    seconds = round(found.seconds, 3)
    if found.error:
        why = f"Nothing could be written within {span(seconds)}: {found.error}."
        return Verdict(Status.UNHEALTHY, why, seconds)
    return Verdict(
        rising(seconds, health.database_seconds), f"A write was possible within {span(seconds)}.", seconds
    )


def workers(found: Heard, health: Health) -> Verdict:
    if found.silence is None:
        return Verdict(Status.UNKNOWN, "No worker has run yet.")
    silence = round(found.silence, 1)
    ago = f"{span(silence)} ago" if silence >= 1 else "just now"
    who = {0: "No worker runs; the last one", 1: "A worker"}
    whose = who.get(found.present, f"The latest of {found.present} workers")
    reason = f"{whose} was heard of {ago}."
    return Verdict(rising(silence, health.worker_silence_seconds), reason, silence)


def queue(found: Queue, health: Health) -> Verdict:
    verdict = _waiting(found.waiting, health)
    if not found.missed:
        return verdict
    worker, why = found.missed[0]
    reason = f"The queue failed {worker} a short while ago, workers went by the rows: {why}. {verdict.reason}"
    return Verdict(max(verdict.status, Status.DEGRADED, key=RANK.__getitem__), reason, verdict.value)


def _waiting(found: Waiting, health: Health) -> Verdict:
    if found.oldest is None:
        waits = f", {_runs(found.count)} in the queue" if found.count else ""
        return Verdict(Status.HEALTHY, f"No run waits that could start{waits}.", 0.0)
    age = round(found.oldest, 1)
    reason = f"The oldest of {_runs(found.count)} in the queue could have started {span(age)} ago."
    return Verdict(rising(age, health.oldest_queued_seconds), reason, age)


def stuck_runs(count: int, health: Health) -> Verdict:
    lost = "lost its worker and was" if count == 1 else "lost their workers and were"
    reason = f"{_runs(count)} {lost} not taken up again."
    status = rising(count, health.stuck_runs)
    return Verdict(status, reason if count else "No run has lost its worker for long.", count)


def approvals(found: Waiting, health: Health) -> Verdict:
    if found.oldest is None:
        return Verdict(Status.HEALTHY, "No tool call waits for a decision.", 0)
    by_count = rising(found.count, health.pending_approvals)
    by_age = rising(found.oldest, health.oldest_approval_seconds)
    calls = "1 tool call waits" if found.count == 1 else f"{found.count} tool calls wait"
    reason = f"{calls} for a decision, the oldest for {span(found.oldest)}."
    return Verdict(max(by_count, by_age, key=lambda status: RANK[status]), reason, found.count)


def providers(found: tuple[Calls, ...], health: Health) -> Verdict:
    window = span(health.provider_window_seconds)
    judged = [calls for calls in found if calls.made >= health.provider_least_calls]
    trouble = [calls for calls in judged if calls.streak < health.provider_least_calls]
    worst = max(trouble or judged, key=lambda calls: calls.failed / calls.made, default=None)
    if worst is None:
        few = f"Fewer than {health.provider_least_calls} calls of a model in {window}."
        return Verdict(Status.HEALTHY if any(calls.made for calls in found) else Status.UNKNOWN, few)
    percent = round(100 * worst.failed / worst.made, 1)
    reason = f"{worst.failed} of {worst.made} calls of {worst.model} failed in {window}"
    if not trouble:
        again = f"; the last {worst.streak} succeeded" if worst.failed else ""
        return Verdict(Status.HEALTHY, f"{reason}{again}.", percent)
    return Verdict(rising(percent, health.provider_failures_percent), f"{reason}.", percent)


def recoveries(count: int, health: Health) -> Verdict:
    reason = f"{_runs(count)} failed within a day after losing too many workers and can be retried."
    status = rising(count, health.exhausted_recoveries)
    return Verdict(status, reason if count else "No run was given up after losing its workers.", count)


def disk(found: Disk, health: Health) -> Verdict:
    free = round(found.percent, 1)
    reason = f"{free:g} % of the disk with the data directory is free."
    if found.spent:
        full = "The disk is full: its reserve was given up, and nothing new starts until there is room."
        return Verdict(Status.UNHEALTHY, f"{full} {reason}", free)
    return Verdict(falling(free, health.free_disk_percent), reason, free)


def maintenance(found: tuple[str, float] | None, health: Health) -> Verdict:
    if found is None:
        return Verdict(Status.UNKNOWN, "No maintenance pass has run yet.")
    kind, intervals = found
    passed = round(intervals, 1)
    ago = f"{passed:g} of its intervals" if passed >= 1 else "less than one interval"
    reason = f"Maintenance of {kind} last succeeded {ago} ago."
    return Verdict(rising(passed, health.maintenance_intervals), reason, passed)


def workspace(problems: tuple[str, ...], health: Health) -> Verdict:
    if not problems:
        return Verdict(Status.HEALTHY, "The workspace is loaded.", 0)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    said = problems[0].rstrip(".") + more
    reason = f"Runs wait, the workspace is broken: {said}{'' if said.endswith('?') else '.'}"
    return Verdict(Status.UNHEALTHY, reason, len(problems))


def sandbox(found: Shells, health: Health) -> Verdict:
    if found.off:
        worker, why = found.off[0]
        return Verdict(Status.DEGRADED, f"{worker} runs no commands: {why}", len(found.off))
    if not found.working:
        return Verdict(Status.UNKNOWN, "No worker has tested its sandbox yet.")
    return Verdict(Status.HEALTHY, "The sandbox held off every attack of its test.", 0)


def version(found: Store, health: Health) -> Verdict:
    if found.defect:
        why = f"{found.name} can corrupt a database that several processes write; update it."
        return Verdict(Status.UNHEALTHY, why)
    return Verdict(Status.HEALTHY, f"The records lie in {found.name}.")


def clock(offset: tuple[str, float] | None, health: Health) -> Verdict:
    if offset is None:
        return Verdict(Status.UNKNOWN, "There is no worker whose clock could be compared.")
    worker, seconds = offset
    status = rising(abs(seconds), health.clock_seconds)
    if status is Status.HEALTHY:
        return Verdict(status, "The workers' clocks agree with the database's.", round(seconds, 3))
    side = "ahead of" if seconds > 0 else "behind"
    reason = f"The clock of {worker} is {span(abs(seconds))} {side} the database's."
    return Verdict(status, reason, round(seconds, 3))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `critical`: it counts for the whole."""

    name: str
    title: str
    about: str
    critical: bool
    unit: str
    judge: Callable[[Any, Health], Verdict]


CHECKS = (
    Check(
        "database", "Database", "how long a write takes that is taken back at once", True, "seconds", database
    ),
    Check("workers", "Workers", "when the last worker was heard of", True, "seconds", workers),
    Check(
        "queue",
        "Queue",
        "for how long the oldest run waits that could start",
        True,
        "seconds",
        queue,
    ),
    Check(
        "stuck_runs",
        "Stuck runs",
        "runs whose worker is lost and that two sweeps did not take up again",
        True,
        "runs",
        stuck_runs,
    ),
    Check(
        "approvals",
        "Pending approvals",
        "how many tool calls wait for a decision, and for how long",
        False,
        "approvals",
        approvals,
    ),
    Check(
        "providers",
        "Model providers",
        "model calls of the last 15 minutes, by model",
        True,
        "percent",
        providers,
    ),
    Check(
        "recoveries",
        "Exhausted recoveries",
        "runs that lost too many workers in a row within a day and were not retried",
        True,
        "runs",
        recoveries,
    ),
    Check("disk", "Free disk", "free space where the data directory lies", True, "percent", disk),
    Check(
        "maintenance",
        "Maintenance",
        "the last maintenance pass that succeeded",
        False,
        "intervals",
        maintenance,
    ),
    Check("workspace", "Workspace", "whether the workspace can be read", True, "problems", workspace),
    Check(
        "sandbox", "Sandbox", "whether the workers' sandboxes passed their tests", False, "workers", sandbox
    ),
    Check(
        "database_version",
        "Database version",
        "whether the SQLite in use can corrupt a database",
        True,
        "",
        version,
    ),
    Check("clock", "Clocks", "the workers' clocks beside the database's", True, "seconds", clock),
)
BY_NAME: Mapping[str, Check] = {check.name: check for check in CHECKS}


def span(seconds: float) -> str:
    """A duration in words: "240 ms", "3.2 s", "5 min", "2 h", "3 d"."""
    if seconds < 0.001:
        return "1 ms"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or seconds == size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
