"""`manage.py run_huey`: a worker process, for `up` or a supervisor of the user's choice."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from harness_site import data, databases, ready
from runtime import tasks
from runtime.management.plain import PlainCommand


class Command(PlainCommand):
    """Advances runs until SIGTERM or Ctrl-C."""

    help = "Run a worker process: it advances queued runs until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        for sentence in data.tighten(settings.DATA_DIR):
            self.stderr.write(sentence)
        databases.use_pool(databases.WORKER_CONNECTIONS)
        tasks.run_consumer(started=ready.announce, dead=ready.predecessors())
