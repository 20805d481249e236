"""A run: one request carried out by an agent, from queued to its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import models
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.utils import timezone

from runtime.lifecycle import ACTIVE, TERMINAL, WAITING, RunState, Why
from runtime.models import counters
from runtime.models.base import ID_LENGTH, first_here, new_id
from runtime.models.keyset import meeting, past
from runtime.models.progress import DiagnosedRuns
from runtime.models.protection import Place, of_chain, of_text
from runtime.models.rows import db_time, select
from runtime.models.search import runs_with
from runtime.models.thread import Thread

CLAIM_BATCH = 16
_ACTIVE = ", ".join(f"'{state.value}'" for state in sorted(ACTIVE))
_CLAIMABLE = f"""SELECT run_id FROM runs
WHERE state = 'queued' AND (next_try_at IS NULL OR next_try_at <= %s) {{others}}
  AND NOT EXISTS (SELECT 1 FROM runs AS earlier WHERE earlier.thread_id = runs.thread_id
                  AND earlier.position < runs.position AND earlier.state IN ({_ACTIVE}))
ORDER BY priority DESC, run_id LIMIT %s"""  # noqa: S608 - state names of ours
FROM_ELSEWHERE = (
    "This run was brought along, and its checkpoint belongs to another engine. A decision is recorded "
    "and told to the agent; the work goes on as a new run in this thread, where each call is asked about "
    "again."
)


class RunQuerySet(DiagnosedRuns):
    """Reads of runs, named after the page or process that needs them."""

    def active(self) -> RunQuerySet:
        return self.filter(state__in=[s.value for s in ACTIVE])

    def for_list(self, after: tuple[datetime, str] | None = None) -> RunQuerySet:
        """Newest change first; with `after` (`updated_at` and id of a row), what follows that row."""
        return past(self, "updated_at", "run_id", after, newest_first=True)

    def matching(
        self,
        *,
        state: str | None = None,
        agent: str | None = None,
        thread: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        q: str | None = None,
    ) -> RunQuerySet:
        """Those that meet every filter given. `since` (included) and `until` (not): of the last change;
        `q`: words of input, output or ids."""
        given = {
            "state": state,
            "agent_id": agent,
            "thread_id": thread,
            "updated_at__gte": since,
            "updated_at__lt": until,
            "run_id__in": None if q is None else runs_with(q),
        }
        return meeting(self, given, narrow=["thread_id", "run_id__in"], wide=["state", "agent_id"])

    def not_repeated(self) -> RunQuerySet:
        """Those of which no run was made again."""
        return self.filter(retries__isnull=True)

    def queued_due(self, now: datetime) -> RunQuerySet:
        """Runs that may be claimed now, in the order in which they should be."""
        due = Q(next_try_at__isnull=True) | Q(next_try_at__lte=now)
        return self.filter(due, state=RunState.QUEUED.value).order_by("-priority", "run_id")

    def count_queued(self) -> int:
        """Those that are due, and those that wait for their next try."""
        return counters.counts()[RunState.QUEUED]

    def full_agents(self, limits: Mapping[str, int]) -> list[str]:
        """The agents that have as many runs at work as they may have."""
        if not limits:
            return []
        at_work = self.filter(state=RunState.RUNNING.value, agent_id__in=list(limits))
        counts = at_work.values_list("agent_id").annotate(n=Count("pk")).order_by()
        return [agent for agent, n in counts if n >= limits[agent]]

    def claimable(self, now: datetime, limits: Mapping[str, int] | None = None) -> list[str]:
        """Ids of due runs whose thread is free and whose agent is below its limit, in the order in which
        they should be claimed."""
        full = self.full_agents(limits or {})
        others = f"AND agent_id NOT IN ({', '.join(['%s'] * len(full))})" if full else ""
        found = select(_CLAIMABLE.format(others=others), [db_time(now), *full, CLAIM_BATCH])
        return [run_id for (run_id,) in found]

    def next_alarm(self, now: datetime) -> datetime | None:
        """When the next parked run falls due."""
        parked = self.filter(state=RunState.QUEUED.value, next_try_at__gt=now)
        found: datetime | None = parked.aggregate(first=Min("next_try_at"))["first"]
        return found

    def orphaned(self, now: float, lease_seconds: float) -> RunQuerySet:
        """Running without a live lease: run out, or set by a clock that was far ahead."""
        lost = Q(lease_until__lt=now) | Q(lease_until__gt=now + 3 * lease_seconds)
        return self.filter(lost, state=RunState.RUNNING.value)

    def leases(self) -> list[tuple[str, int, float]]:
        """Every lease: run, epoch, end (Unix time)."""
        columns = ("run_id", "lease_epoch", "lease_until")
        return list(self.filter(state=RunState.RUNNING.value).values_list(*columns))

    def counts_of_active(self) -> dict[str, int]:
        """`{state: runs}` of the active states, of all runs."""
        found = counters.counts()
        return {state.value: found[state] for state in sorted(ACTIVE)}

    def queued_longest(self, now: datetime) -> datetime | None:
        """Since when the run waits that could start for the longest time."""
        earlier = Run.objects.filter(
            thread=OuterRef("thread"), position__lt=OuterRef("position"), state__in=[s.value for s in ACTIVE]
        )
        # By their last change, for which there is an index; a queued run changed last when it was queued.
        due = self.queued_due(now).filter(~Exists(earlier)).order_by("updated_at")
        times = due.values_list("state_entered_at", "next_try_at")[:CLAIM_BATCH]
        return min((max(queued, due_at or queued) for queued, due_at in times), default=None)

    def stuck(self, now: float, lease_seconds: float, patience_seconds: float) -> int:
        """How many runs have lost their worker and were not taken up again for so long."""
        return self.orphaned(now - patience_seconds, lease_seconds + patience_seconds).count()

    def exhausted(self, since: datetime) -> int:
        """How many runs failed since then after too many claims without progress, and were not retried."""
        lost = self.filter(state=RunState.FAILED.value, state_reason=Why.POISON.value)
        return lost.filter(updated_at__gte=since).not_repeated().count()

    def ended_between(self, after: datetime | None, until: datetime) -> dict[str, int]:
        """`{state: runs}` of those that ended later than `after` (None: ever) and not later than `until`."""
        found = {}
        for state in TERMINAL:
            ended = self.filter(state=state.value, updated_at__lte=until)
            found[state.value] = (ended.filter(updated_at__gt=after) if after else ended).count()
        return found

    def counts_for_board(self, day_start: datetime) -> dict[str, int]:
        """`{state: runs}` of the active states, and `failed_today`."""
        failed = self.filter(state=RunState.FAILED.value, updated_at__gte=day_start)
        return {**self.counts_of_active(), "failed_today": failed.count()}

    def ended(self) -> RunQuerySet:
        return self.filter(state__in=[state.value for state in TERMINAL])

    def with_text(self, ended_before: datetime) -> RunQuerySet:
        """Ended runs whose streamed text is still there, with `kept`: why it stays; empty when it goes."""
        rows = self.ended().filter(text_emptied_at__isnull=True)
        found: RunQuerySet = rows.annotate(kept=of_text(ended_before))
        return found

    def with_chain(self, ended_before: datetime, newest: int, too_many: Place | None) -> RunQuerySet:
        """Ended runs that have checkpoints, with `kept`: why these stay; empty when they go."""
        rows = self.ended().filter(checkpoint_ref__isnull=False)
        found: RunQuerySet = rows.annotate(kept=of_chain(ended_before, newest, too_many))
        return found

    def oldest_waiting_since(self) -> datetime | None:
        # By their last change, for which there is an index; a run that waits changed last when it began to.
        of = (first_here(self.filter(state=state.value), "updated_at", "imported_at") for state in WAITING)
        return min(filter(None, of), default=None)


def _link(name: str) -> models.ForeignKey[Run | None]:
    """To another run; most runs have none, so the index holds only those that do."""
    return models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name=name, db_index=False)


class Run(models.Model):
    """One row of `runs`. Written by the journal alone."""

    run_id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="runs", db_index=False)
    agent_id = models.CharField(max_length=200)
    execution_mode = models.CharField(max_length=64)
    adapter_kind = models.CharField(max_length=64, null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=32, choices=[(s.value, s.value) for s in RunState])
    previous_state = models.CharField(max_length=32, null=True)
    state_entered_at = models.DateTimeField(default=timezone.now)
    last_transition_at = models.DateTimeField(default=timezone.now)
    resumable = models.BooleanField(default=False, help_text="In a waiting state.")
    checkpoint_ref = models.CharField(max_length=128, null=True)

    position = models.PositiveIntegerField(help_text="1, 2, 3 … in its thread: runs of a thread are serial.")
    title = models.CharField(max_length=200, default="", help_text="The first words of the input.")
    requested_by = models.CharField(max_length=200, default="")
    priority = models.SmallIntegerField(default=0)
    output = models.TextField(null=True)
    error = models.TextField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    turns = models.PositiveIntegerField(default=0, help_text="Model calls that gave a reply.")
    steps = models.PositiveIntegerField(default=0, help_text="Checkpoints written.")
    attempts = models.PositiveIntegerField(default=0, help_text="Claims in a row without progress.")
    model_attempts = models.PositiveIntegerField(default=0, help_text="Failed tries of the next model call.")
    next_try_at = models.DateTimeField(null=True)
    state_reason = models.TextField(default="", help_text="Why it entered its state.")
    model = models.CharField(max_length=300, default="", help_text="The name at the provider.")
    fault = models.CharField(
        max_length=40, default="", help_text="What the last try of the model call met; empty after a reply."
    )
    imported_at = models.DateTimeField(
        null=True, help_text="When it was brought along from a reference database."
    )
    parent_run = _link("children")
    retried_from = _link("retries")
    forked_from = _link("forks")

    lease_epoch = models.PositiveIntegerField(default=0, help_text="Fencing number of the last claim.")
    lease_owner = models.CharField(max_length=200, default="")
    lease_until = models.FloatField(default=0.0, help_text="Unix time; 0 when free.")
    last_sequence = models.PositiveIntegerField(default=0)
    last_hash = models.BinaryField(default=b"")
    text_emptied_at = models.DateTimeField(
        null=True, help_text="Since when its events hold no streamed text."
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        db_table = "runs"
        constraints = [
            models.UniqueConstraint(fields=["thread", "position"], name="runs_thread_position"),
        ]
        indexes = [
            models.Index(fields=["state", "-updated_at", "-run_id"], name="runs_state_updated"),
            models.Index(fields=["agent_id", "-updated_at", "-run_id"], name="runs_agent_updated"),
            models.Index(fields=["agent_id", "state", "-updated_at", "-run_id"], name="runs_agent_state"),
            models.Index(fields=["-updated_at", "-run_id"], name="runs_updated"),
            models.Index(fields=["thread", "-updated_at", "-run_id"], name="runs_thread_updated"),
            models.Index(
                fields=["lease_owner"], name="runs_running", condition=Q(state=RunState.RUNNING.value)
            ),
            models.Index(fields=["parent_run"], name="runs_children", condition=Q(parent_run__isnull=False)),
            models.Index(
                fields=["retried_from"], name="runs_retries", condition=Q(retried_from__isnull=False)
            ),
            models.Index(fields=["forked_from"], name="runs_forks", condition=Q(forked_from__isnull=False)),
            models.Index(
                fields=["-priority", "run_id"], name="runs_queue", condition=Q(state=RunState.QUEUED.value)
            ),
            # The progress facet parts the queue in two: behind a provider, and all others, which are most.
            models.Index(
                fields=["state", "-updated_at", "-run_id"],
                name="runs_wait_provider",
                condition=Q(state=RunState.QUEUED.value, fault__gt=""),
            ),
            models.Index(
                fields=["updated_at"],
                name="runs_exhausted",
                condition=Q(state=RunState.FAILED.value, state_reason=Why.POISON.value),
            ),
            models.Index(fields=["run_id"], name="runs_with_text", condition=Q(text_emptied_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} ({self.state})"

    @property
    def note(self) -> str:
        """What a person has to know before deciding; empty for most runs."""
        waits = self.imported_at is not None and self.state == RunState.WAITING_FOR_APPROVAL
        return FROM_ELSEWHERE if waits else ""

    @property
    def continued_by(self) -> Run | None:
        """The run that goes on from an imported one."""
        return self.retries.order_by("created_at").first() if self.imported_at else None

    @property
    def is_terminal(self) -> bool:
        return self.state in TERMINAL
