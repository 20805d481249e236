"""The records of maintenance and of legal holds."""

from __future__ import annotations

from django.contrib import admin

from runtime import models
from runtime.admin.readable import column, page_column, time_column
from runtime.admin.record import RecordAdmin
from runtime.admin.site import site


@admin.register(models.Hold, site=site)
class HoldAdmin(RecordAdmin):
    """Threads that nobody may delete, and until when that was so."""

    list_display = (
        "thread_id",
        column("held_by"),
        time_column("held_at"),
        column("lifted_by"),
        time_column("lifted_at"),
        page_column("thread", "thread_id", "Page of the thread"),
    )
    search_fields = ("thread_id",)


@admin.register(models.MaintenancePass, site=site)
class PassAdmin(RecordAdmin):
    """What maintenance removed, and why the rest stayed."""

    list_display = (
        "id",
        "kind",
        "dry_run",
        column("requested_by"),
        time_column("started_at"),
        time_column("finished_at"),
    )


@admin.register(models.MaintenanceTurn, site=site)
class TurnAdmin(RecordAdmin):
    """Which process makes the present pass, and when the next one is due."""

    list_display = (
        "kind",
        time_column("next_at"),
        column("wanted_by"),
        column("taken_by"),
        time_column("lease_until"),
    )
