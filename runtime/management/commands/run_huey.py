"""`manage.py run_huey`: a worker process, for `up` or a supervisor of the user's choice."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings

from harness_site import data, databases, ready
from runtime import tasks
from runtime.management.plain import PlainCommand

logger = logging.getLogger(__name__)


class Command(PlainCommand):
    """Advances runs until SIGTERM or Ctrl-C."""

    help = "Run a worker process: it advances queued runs until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        for sentence in data.tighten(settings.DATA_DIR):
            self.stderr.write(sentence)
        databases.use_pool(databases.WORKER_CONNECTIONS)
        alone = not ready.supervised()  # else `up` says it

        def started() -> None:
            ready.announce()
            if alone:
                logger.info("The worker takes runs")

        tasks.run_consumer(started=started, dead=ready.predecessors())
        if alone:
            logger.info("The worker has stopped; its runs go on elsewhere or at the next start")
