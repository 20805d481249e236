"""The product with one protection taken out, to show that the oracle sees: `broken.py VARIANT COMMAND …`.

fence     a worker that lost its lease may still write
decision  a decision is good for another try after a crash
together  a run's state is committed before its events
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def break_fence() -> None:
    from runtime.lifecycle import RunState

    module: Any = sys.modules["runtime.journal.entering"]
    module._holds = lambda lease, run: run.state == RunState.RUNNING


def break_decision() -> None:
    from runtime.engine.context import Context

    Context._repeatable = lambda self, name: True  # type: ignore[method-assign]


def break_together() -> None:
    from django.db import transaction

    from runtime.journal.entry import Entry

    def flush(self: Any) -> None:
        self.open()
        self._write_run()
        transaction.on_commit(transaction.atomic(self._write_events))

    Entry.flush = flush  # type: ignore[method-assign]


def main() -> None:
    """Runs a command of the product."""
    import django
    from django.core.management import execute_from_command_line

    sys.path[0] = str(Path(__file__).resolve().parents[2])
    os.environ["DJANGO_SETTINGS_MODULE"] = "harness_site.settings"
    django.setup()
    {"fence": break_fence, "decision": break_decision, "together": break_together}[sys.argv[1]]()
    execute_from_command_line(["manage.py", *sys.argv[2:]])


if __name__ == "__main__":
    main()
