"""What our commands share: a person's mistake is one sentence on stderr, no class name, no traceback."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class PlainCommand(BaseCommand):
    """A command whose errors are sentences; exit code 1. The database's are those of `manage.py`."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            if not self.called_from_command_line:
                raise
            self.stderr.write(str(error))
            sys.exit(error.returncode)

    @property
    def called_from_command_line(self) -> bool:
        """False when another program part calls the command: it gets the exception."""
        return bool(getattr(self, "_called_from_command_line", False))
