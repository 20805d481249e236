"""Reads of runs for their diagnosis: the facts of a page of runs in a fixed number of queries, and the
progress facet by counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery

from runtime import diagnosis
from runtime.diagnosis import Progress
from runtime.lifecycle import ACTIVE, TERMINAL, ApprovalStatus, CallState, RunState
from runtime.models import counters
from runtime.models.rows import db_time, select
from runtime.models.worker import ALIVE, Worker

if TYPE_CHECKING:
    from runtime.models.run import Run

LATEST = 7_000_000_000.0  #: Unix time; a clock that says more is as wrong as one that says this
#: Depends on the time, so that it cannot be a counter; not more run than there are slots.
_LOST = "SELECT count(*) FROM runs WHERE state = 'running' AND (lease_until < %s OR lease_until > %s)"
#: Of all workers that are alive and all runs that hold a lease, in one question.
_CAPACITY = (
    "SELECT count(*), coalesce(sum(slots), 0), "
    "(SELECT CAST(coalesce(sum(running), 0) AS bigint) FROM counters) "
    "FROM workers WHERE stopped_at IS NULL AND heartbeat_at >= %s"
)
_OPEN = [CallState.STARTED.value, CallState.IN_DOUBT.value]
_SOME_OPEN = "SELECT DISTINCT run_id FROM tool_calls WHERE run_id IN ({ids}) AND state IN (%s, %s)"


class DiagnosedRuns(models.QuerySet["Run"]):
    """The part of RunQuerySet that a diagnosis needs."""

    def in_progress(self, facet: str, now: float, lease_seconds: float) -> Self:
        """Runs of one facet, as `diagnosis.progress` sorts them; none for a word that is no facet."""
        queued = self.filter(state=RunState.QUEUED.value)
        running = self.filter(state=RunState.RUNNING.value)
        lost = Q(lease_until__lt=now) | Q(lease_until__gt=now + 3 * lease_seconds)
        match facet:
            case Progress.PROVIDER:
                return queued.filter(fault__gt="")
            case Progress.SLOT:
                return queued.filter(fault="")
            case Progress.MOVING:
                return running.exclude(lost)
            case Progress.LOST:
                return running.filter(lost)
            case Progress.PERSON:
                return self.filter(state=RunState.WAITING_FOR_APPROVAL.value)
            case Progress.CHILD:
                return self.filter(state=RunState.WAITING_FOR_CHILD.value)
            case Progress.DOUBT:
                return self.filter(state=RunState.IN_DOUBT.value)
        return self.none()

    def count_progress(self, now: float, lease_seconds: float) -> dict[str, int]:
        """`{facet: runs}`; runs that have ended are in none."""
        of = counters.counts()
        lost = int(select(_LOST, [now, now + 3 * lease_seconds])[0][0])
        return {
            # Between the two questions a run may have ended.
            Progress.MOVING: max(0, of[RunState.RUNNING] - lost),
            Progress.PERSON: of[RunState.WAITING_FOR_APPROVAL],
            Progress.PROVIDER: of[counters.PROVIDER],
            Progress.SLOT: of[RunState.QUEUED] - of[counters.PROVIDER],
            Progress.CHILD: of[RunState.WAITING_FOR_CHILD],
            Progress.LOST: lost,
            Progress.DOUBT: of[RunState.IN_DOUBT],
        }

    def capacity(self, now: datetime) -> tuple[int, int, int]:
        """How many workers are alive, how many runs they can carry, and how many are at work."""
        workers, slots, busy = select(_CAPACITY, [db_time(now - ALIVE)])[0]
        return int(workers), int(slots), int(busy)

    def facts(self, runs: Iterable[Run]) -> dict[str, diagnosis.Facts]:
        """What the rows say about each of these runs, by id."""
        found = list(runs)
        of = {run.run_id: run for run in found}
        pending = self._pending([r.run_id for r in found if r.state == RunState.WAITING_FOR_APPROVAL])
        # Before its first reply a run has no calls.
        calls = self._open_calls([r.run_id for r in found if r.state != RunState.COMPLETED and r.turns])
        last = self._last_events([r.run_id for r in found if r.state == RunState.RUNNING])
        blockers = self._blockers(found)
        sharing = self._sharing(found)
        owners = {run.lease_owner for run in found if run.lease_owner}
        workers = Worker.objects.in_bulk(owners) if owners else {}
        gone = self._without_checkpoint([r.run_id for r in found if r.state in TERMINAL])
        return {
            run_id: diagnosis.Facts(
                **_own(run),
                sharing=sharing.get((run.model, run.fault), 1) - 1,
                worker=_worker(workers.get(run.lease_owner)),
                blocker=blockers.get(run_id),
                pending=tuple(pending.get(run_id, ())),
                open_call=calls.get(run_id),
                last_event=last.get(run_id, ("", None))[0],
                last_event_at=last.get(run_id, ("", None))[1],
                checkpoint_gone=run_id in gone,
            )
            for run_id, run in of.items()
        }

    def _pending(self, ids: Sequence[str]) -> dict[str, list[diagnosis.Asked]]:
        if not ids:
            return {}
        columns = ("tool_name", "requested_at", "expires_at")
        rows = self.filter(pk__in=ids).values_list(
            "imported_at", *(f"approvals__{name}" for name in ("status", "run_id", *columns))
        )
        asked: dict[str, list[diagnosis.Asked]] = {}
        # Sorted out here: an index of all that wait would be taken for the shorter way, and is not.
        for imported_at, status, run_id, tool, requested_at, expires_at in rows:
            if status == ApprovalStatus.PENDING:
                since = max(requested_at, imported_at or requested_at)
                asked.setdefault(run_id, []).append(diagnosis.Asked(tool, since, expires_at))
        return {run_id: sorted(each, key=lambda one: one.requested_at) for run_id, each in asked.items()}

    def _open_calls(self, ids: Sequence[str]) -> dict[str, diagnosis.Call]:
        ids = self._with_open_calls(ids)
        if not ids:
            return {}
        rows = self.filter(pk__in=ids, tool_calls__state__in=_OPEN)
        columns = ("tool_calls__tool_name", "tool_calls__state", "tool_calls__started_at")
        ordered = rows.order_by("-tool_calls__turn", "-tool_calls__position").values_list("run_id", *columns)
        return {run_id: diagnosis.Call(*values) for run_id, *values in ordered}

    def _with_open_calls(self, ids: Sequence[str]) -> Sequence[str]:
        """Those that have any: seldom one, so it is asked in the cheapest way."""
        if not ids:
            return ids
        marks = ", ".join(["%s"] * len(ids))
        return [run_id for (run_id,) in select(_SOME_OPEN.format(ids=marks), [*ids, *_OPEN])]

    def _last_events(self, ids: Sequence[str]) -> dict[str, tuple[str, datetime]]:
        if not ids:
            return {}
        rows = self.filter(pk__in=ids, events__sequence=F("last_sequence"))
        found = rows.values_list("run_id", "events__type", "events__created_at")
        return {run_id: (kind, at) for run_id, kind, at in found}

    def _blockers(self, runs: Sequence[Run]) -> dict[str, diagnosis.Blocker]:
        """The earlier run of the thread for those that are queued, the child for those that wait for one."""
        # Nothing comes before the first run of a thread.
        queued = [run.run_id for run in runs if run.state == RunState.QUEUED and run.position > 1]
        parents = [run.run_id for run in runs if run.state == RunState.WAITING_FOR_CHILD]
        before = Q(thread=OuterRef("thread"), position__lt=OuterRef("position"))
        return {
            **self._first_active(queued, before, "position"),
            **self._first_active(parents, Q(parent_run=OuterRef("pk"))),
        }

    def _first_active(self, ids: Sequence[str], whose: Q, *order: str) -> dict[str, diagnosis.Blocker]:
        if not ids:
            return {}
        active = self.model._default_manager.filter(whose, state__in=[s.value for s in ACTIVE])
        first = active.order_by(*order)
        rows = self.filter(pk__in=ids).annotate(
            blocker=Subquery(first.values("run_id")[:1]), blocked=Subquery(first.values("state")[:1])
        )
        found = rows.values_list("run_id", "blocker", "blocked")
        return {
            run_id: diagnosis.Blocker(other, state) for run_id, other, state in found if other is not None
        }

    def _sharing(self, runs: Sequence[Run]) -> Mapping[tuple[str, str], int]:
        """How many queued runs met each fault that these met, by model."""
        faults = {run.fault for run in runs if run.fault and run.state == RunState.QUEUED}
        if not faults:
            return {}
        rows = self.model._default_manager.filter(state=RunState.QUEUED.value, fault__in=faults)
        counts = rows.order_by().values_list("model", "fault").annotate(n=Count("pk"))
        return {(model, fault): n for model, fault, n in counts}

    def _without_checkpoint(self, ids: Sequence[str]) -> set[str]:
        if not ids:
            return set()
        made = self.filter(pk__in=ids, steps__gt=0).values_list("run_id", flat=True)
        return set(made) - set(made.filter(checkpoints__step=F("steps")))


def _own(run: Run) -> dict[str, Any]:
    """The facts that are columns of the run."""
    same = ("state", "created_at", "output", "error", "attempts", "model_attempts", "steps", "fault")
    values = {name: getattr(run, name) for name in (*same, "next_try_at", "lease_owner")}
    until = datetime.fromtimestamp(min(run.lease_until, LATEST), UTC) if run.lease_until else None
    return values | {
        "since": run.state_entered_at,
        "reason": run.state_reason,
        "previous_state": run.previous_state or "",
        "agent": run.agent_id,
        "lease_until": until,
    }


def _worker(row: Worker | None) -> diagnosis.Worker | None:
    return None if row is None else diagnosis.Worker(row.heartbeat_at, row.stopped_at)
