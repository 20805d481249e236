"""`test`: all tests, or those that the arguments for pytest choose."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

#: One process more than processors, since many tests wait. A file stays in one of them: its tests share what
#: is slow to start, such as the running product. The order of the files is that of `tests/conftest.py`.
PROCESSES = str(len(os.sched_getaffinity(0)) + 1)
EVERYTHING = ["-n", PROCESSES, "--dist", "loadfile", "--no-loadscope-reorder"]


class Command(BaseCommand):
    """Becomes pytest, so that its arguments, output and exit code are pytest's own."""

    help = "Run all tests, on all processors; arguments (-k NAME, -x, PATH …) go to pytest instead."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        self.execute_pytest(argv[2:])

    def handle(self, *args: Any, **options: Any) -> None:
        self.execute_pytest(list(args))

    def execute_pytest(self, arguments: list[str]) -> None:
        """Replace this process; the tests choose settings and data directory themselves."""
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *(arguments or EVERYTHING)])  # noqa: S606
