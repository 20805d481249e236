"""What our commands share: a person's mistake is one sentence on stderr, no class name, no traceback."""

from __future__ import annotations

import io
import logging
import sys
from typing import Any, NoReturn, TextIO, cast

from django.core import checks
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from harness_site import notices
from runtime import log
from runtime.journal.schema import ForeignSchema, refuse_foreign


class PlainParser(CommandParser):
    """Wrong arguments are one sentence; `--help` says the rest. Exit code 2."""

    def error(self, message: str) -> NoReturn:
        if not self.called_from_command_line:
            super().error(message)
        said = f"{message[:1].upper()}{message[1:]}; see {self.prog} --help."
        self.exit(2, notices.line(said, "ERROR"))


class JsonLines(io.TextIOBase):
    """A command's stderr with HARNESS_LOG_JSON: each thing that it says is a line like those of the log."""

    level = logging.INFO

    def write(self, text: str, /) -> int:
        record = logging.LogRecord("manage", self.level, "", 0, text.rstrip("\n"), None, None)
        sys.stderr.write(log.JsonFormatter().format(record) + "\n")
        return len(text)


class PlainCommand(BaseCommand):
    """A command whose errors are sentences; exit code 1. The database's are those of `manage.py`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines = JsonLines()
        if notices.in_json() and self.stderr._out is sys.stderr:
            self.stderr = OutputWrapper(cast("TextIO", self._lines))

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = PlainParser  # Django names its own class, and adds all arguments there
        return parser

    def check(self, *args: Any, **options: Any) -> None:
        """What the system checks refuse, a line each."""
        found = checks.run_checks(tags=options.get("tags"), databases=options.get("databases"))
        refused = [each for each in found if each.is_serious() and not each.is_silenced()]
        if refused:
            raise CommandError("\n".join(f"{each.msg} {each.hint or ''}".strip() for each in refused))

    def look_at_database(self) -> None:
        """Raises CommandError where another program's records are, or another version's. Every command looks
        before it does anything else, also before the checks; it only reads."""
        try:
            refuse_foreign()
        except ForeignSchema as error:
            raise CommandError(str(error)) from None

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            self.look_at_database()
            return super().execute(*args, **options)
        except CommandError as error:
            if not self.called_from_command_line:
                raise
            self._lines.level = logging.ERROR
            self.stderr.write(str(error))
            sys.exit(error.returncode)

    @property
    def called_from_command_line(self) -> bool:
        """False when another program part calls the command: it gets the exception."""
        return bool(getattr(self, "_called_from_command_line", False))
