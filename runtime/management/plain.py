"""What our commands share: a person's mistake is one sentence on stderr, no class name, no traceback."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError


class PlainCommand(BaseCommand):
    """A command whose errors are sentences; exit code 1."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return self._execute(*args, **options)
        except CommandError as error:
            if not self.called_from_command_line:
                raise
            self.stderr.write(str(error))
            sys.exit(error.returncode)

    @property
    def called_from_command_line(self) -> bool:
        """False when another program part calls the command: it gets the exception."""
        return bool(getattr(self, "_called_from_command_line", False))

    def _execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except DatabaseError as error:
            raise CommandError(
                f"The records cannot be used ({error}). "
                "On a new machine, `python3 manage.py up` or `python3 manage.py migrate` makes them."
            ) from error
