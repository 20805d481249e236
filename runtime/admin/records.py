"""The records of runs, one class per noun: what its list shows, how it is found, what belongs to it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from runtime import models
from runtime.admin.readable import column, page_column, time_column
from runtime.admin.record import RecordAdmin
from runtime.admin.site import site
from runtime.events import EventType

OF_RUN = "run__exact"
OF_THREAD = "thread__exact"
PAGE_OF_RUN = page_column("run", "run_id", "Page of the run")


@admin.register(models.Thread, site=site)
class ThreadAdmin(RecordAdmin):
    """Threads; what changed last comes first."""

    list_display = (
        "thread_id",
        column("title"),
        "status",
        column("entry_agent_id", "Agent"),
        "run_count",
        time_column("updated_at"),
        page_column("thread", "thread_id", "Page"),
    )
    list_filter = ("status", "updated_at")
    search_fields = ("thread_id",)
    ordering = ("-updated_at", "-thread_id")
    page = "thread"
    beside = (
        (models.Run, OF_THREAD),
        (models.ThreadMessage, OF_THREAD),
        (models.Event, OF_THREAD),
        (models.ToolCall, OF_THREAD),
        (models.Approval, OF_THREAD),
        (models.Artifact, OF_THREAD),
    )


@admin.register(models.Run, site=site)
class RunAdmin(RecordAdmin):
    """Runs; what changed last comes first."""

    list_display = (
        "run_id",
        column("title"),
        "state",
        column("agent_id", "Agent"),
        column("requested_by"),
        "last_sequence",
        time_column("updated_at"),
        page_column("run", "run_id", "Page"),
    )
    list_filter = ("state", "updated_at")
    narrowed_by = (OF_THREAD,)
    search_fields = ("run_id", "thread_id", "agent_id")
    search_help_text = f"{RecordAdmin.search_help_text} A run, a thread or an agent."
    ordering = ("-updated_at", "-run_id")
    page = "run"
    beside = (
        (models.RunRequest, OF_RUN),
        (models.Event, OF_RUN),
        (models.ThreadMessage, OF_RUN),
        (models.ToolCall, OF_RUN),
        (models.Approval, OF_RUN),
        (models.DecisionRecord, "run_id__exact"),
        (models.Reveal, "run_id__exact"),
        (models.RecoveryIntent, OF_RUN),
        (models.Checkpoint, OF_RUN),
        (models.Artifact, OF_RUN),
    )


class OfRun(RecordAdmin):
    """What belongs to a run and a thread."""

    narrowed_by: ClassVar[tuple[str, ...]] = (OF_RUN, OF_THREAD)
    search_fields: ClassVar[tuple[str, ...]] = ("run_id", "thread_id")
    search_help_text = f"{RecordAdmin.search_help_text} A run or a thread."


@admin.register(models.RunRequest, site=site)
class RunRequestAdmin(OfRun):
    """What was asked, and everything a resume needs."""

    list_display = ("run_id", column("requested_by"), time_column("saved_at"), PAGE_OF_RUN)


@admin.register(models.ThreadMessage, site=site)
class MessageAdmin(OfRun):
    """The transcript."""

    list_display = ("id", "role", "thread_id", "run_id", time_column("created_at"), PAGE_OF_RUN)


@admin.register(models.ToolCall, site=site)
class ToolCallAdmin(OfRun):
    """What the model wanted to run."""

    list_display = (
        "tool_call_id",
        column("tool_name"),
        "state",
        column("rule"),
        "attempt",
        time_column("requested_at"),
        PAGE_OF_RUN,
    )
    list_filter = ("state",)
    search_fields = ("tool_call_id", "run_id", "thread_id")
    beside = ((models.Approval, "tool_call__exact"), (models.Reveal, "tool_call_id__exact"))


@admin.register(models.Approval, site=site)
class ApprovalAdmin(OfRun):
    """Where a person is asked."""

    list_display = (
        "approval_id",
        column("tool_name"),
        "status",
        column("agent_id", "Agent"),
        time_column("requested_at"),
        time_column("resolved_at"),
        page_column("approval", "approval_id", "Page"),
    )
    list_filter = ("status",)
    narrowed_by = (*OfRun.narrowed_by, "tool_call__exact")
    search_fields = ("approval_id", "run_id", "thread_id")
    page = "approval"
    beside = ((models.DecisionRecord, "approval_id__exact"), (models.Reveal, "approval_id__exact"))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # Each has its index; the other order would sort the whole table.
        by_status = "status__exact" in request.GET
        return ("-requested_at", "-approval_id") if by_status else ("-approval_id",)


@admin.register(models.DecisionRecord, site=site)
class DecisionAdmin(RecordAdmin):
    """What people decided; append-only, kept beyond its thread."""

    list_display = (
        "id",
        column("decision"),
        column("tool_name"),
        column("decided_by"),
        column("source"),
        column("address"),
        time_column("decided_at"),
        page_column("approval", "approval_id", "Page of the approval"),
    )
    list_filter = ("decided_at",)
    narrowed_by = ("run_id__exact", "approval_id__exact")
    search_fields = ("approval_id", "run_id", "decided_by")
    search_help_text = f"{RecordAdmin.search_help_text} An approval or a run, or who decided."


@admin.register(models.RecoveryIntent, site=site)
class RecoveryIntentAdmin(OfRun):
    """How a run goes on from a decision."""

    list_display = ("id", "run_id", "approval_id", time_column("saved_at"), PAGE_OF_RUN)
    search_fields = ("run_id", "thread_id", "approval_id")


class TypeFilter(admin.SimpleListFilter):
    """Types of events, within a run or thread: elsewhere a rare one would be looked for row by row."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.value, kind.value) for kind in EventType]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(models.Event, site=site)
class EventAdmin(OfRun):
    """What happened, gapless; the newest first."""

    list_display = ("id", "run_id", "sequence", "type", time_column("created_at"), PAGE_OF_RUN)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # Each has its index; the other order would sort all events of the run.
        return ("-sequence", "-pk") if request.GET.get(OF_RUN) else ("-pk",)

    def get_list_filter(self, request: HttpRequest) -> tuple[Any, ...]:
        return (TypeFilter,) if self._is_narrowed(request) else ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if lookup == TypeFilter.parameter_name:
            return self._is_narrowed(request)
        return super().lookup_allowed(lookup, value, request)

    def _is_narrowed(self, request: HttpRequest | None) -> bool:
        return request is not None and any(request.GET.get(name) for name in (OF_RUN, OF_THREAD, "q"))


@admin.register(models.Checkpoint, site=site)
class CheckpointAdmin(OfRun):
    """Points to resume from."""

    list_display = ("id", "checkpoint_ref", "kind", "step", time_column("created_at"), PAGE_OF_RUN)
    search_fields = ("checkpoint_ref", "run_id", "thread_id")


@admin.register(models.Artifact, site=site)
class ArtifactAdmin(OfRun):
    """Files that runs kept."""

    list_display = ("artifact_id", column("path"), "kind", "size", time_column("created_at"), PAGE_OF_RUN)
    search_fields = ("artifact_id", "run_id", "thread_id")
