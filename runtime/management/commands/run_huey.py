"""`manage.py run_huey`: a worker process, for `up` or a supervisor of the user's choice."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from harness_site import databases, ready
from runtime import tasks


class Command(BaseCommand):
    """Advances runs until SIGTERM or Ctrl-C."""

    help = "Run a worker process: it advances queued runs until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        databases.use_pool(databases.WORKER_CONNECTIONS)
        tasks.run_consumer(started=ready.announce, dead=ready.predecessors())
