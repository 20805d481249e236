"""Records beside the runs: what was deleted, refused, changed by administrators; who works; which schema."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from runtime import models
from runtime.admin.readable import column, labelled, page_column, record_link, text, time_column
from runtime.admin.record import PREFIX, RecordAdmin
from runtime.admin.site import site


@admin.register(models.Tombstone, site=site)
class TombstoneAdmin(RecordAdmin):
    """What deleted threads were, in counts."""

    list_display = (
        "thread_id",
        column("deleted_by"),
        column("source"),
        time_column("deleted_at"),
        labelled("Files", lambda tombstone: "still going" if tombstone.files_left else "gone"),
    )
    search_fields = ("thread_id",)


@admin.register(models.Denial, site=site)
class DenialAdmin(RecordAdmin):
    """Acts that were refused because of who asked."""

    list_display = (
        "id",
        time_column("denied_at", "When"),
        labelled(
            "Who", lambda denial: denial.name if denial.kind or not denial.name else f"as {denial.name}"
        ),
        column("address", "From"),
        "method",
        column("path"),
        "status",
        column("reason"),
        "left_out",
    )
    list_filter = ("denied_at",)
    search_fields = ("name", "address")
    search_help_text = (
        f"A whole name (also one that was only tried) or address, or its first {PREFIX} characters and more."
    )


@admin.register(models.Reveal, site=site)
class RevealAdmin(RecordAdmin):
    """Who had the masked values of a call shown; append-only, kept beyond its thread."""

    list_display = (
        "id",
        time_column("revealed_at", "When"),
        column("revealed_by", "Who"),
        column("address", "From"),
        column("tool_name"),
        labelled(
            "Call", lambda reveal: record_link(models.ToolCall, reveal.tool_call_id, reveal.tool_call_id)
        ),
        page_column("approval", "approval_id", "Page of the approval"),
    )
    list_filter = ("revealed_at",)
    narrowed_by = ("run_id__exact", "approval_id__exact", "tool_call_id__exact")
    search_fields = ("tool_call_id", "approval_id", "run_id", "revealed_by")
    search_help_text = f"{RecordAdmin.search_help_text} A call, an approval or a run, or who looked."


@admin.register(models.Worker, site=site)
class WorkerAdmin(RecordAdmin):
    """Processes that advance runs."""

    list_display = (
        "worker_id",
        "version",
        "slots",
        time_column("started_at"),
        time_column("heartbeat_at", "Last heard of"),
        time_column("stopped_at"),
    )
    search_fields = ("worker_id",)


@admin.register(models.HealthSample, site=site)
class HealthSampleAdmin(RecordAdmin):
    """How it was, every half minute and at every change."""

    list_display = ("id", time_column("sampled_at"), "status", "troubles")


@admin.register(models.HealthReport, site=site)
class HealthReportAdmin(RecordAdmin):
    """The present report, and what the monitor counts."""

    list_display = ("id", "turn", time_column("sampled_at"), time_column("stored_at"))
    ordering = ("id",)


@admin.register(models.RuntimeMetadata, site=site)
class MetadataAdmin(RecordAdmin):
    """Which schema the database holds."""

    list_display = ("key", "value")
    listed = ("value",)
    ordering = ("key",)


@admin.register(LogEntry, site=site)
class LogEntryAdmin(RecordAdmin):
    """Who changed people and tokens."""

    list_display = (
        time_column("action_time", "When"),
        labelled("Who", lambda entry: record_link(User, entry.user_id, entry.user.get_username())),
        column("object_repr", "Whom"),
        labelled("What", lambda entry: text(entry.get_change_message())),
    )
    listed = ("change_message",)
    list_filter = ("action_time",)
    list_select_related = ("user",)
