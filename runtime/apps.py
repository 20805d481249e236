"""The one Django app of the product."""

from __future__ import annotations

import gc

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RuntimeConfig(AppConfig):
    """Registers the system checks, and the one receiver of the journal's signal."""

    name = "runtime"
    verbose_name = "Runtime"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from runtime import access

        # Beside the migration: whatever empties the tables, the four roles are there again.
        post_migrate.connect(access.keep_roles, sender=self)
        from runtime import checks, tasks  # noqa: F401  (importing them registers checks and receiver)

        # `manage.py` put it off. What is here now stays: no later collection has to look at it.
        gc.freeze()
        gc.enable()
