"""`manage.py import_runtime FILE`: brings a reference database along."""

from __future__ import annotations

import fcntl
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from runtime.management.plain import PlainCommand
from runtime.upkeep.imports import CutOff, NotImportable, Report, import_reference

SAY_EVERY = 1000  #: threads


class Command(PlainCommand):
    """Says what was imported, what was here already, and what was left out and why."""

    help = "Import a reference runtime.sqlite, with the threads/ folder beside it. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="the reference database; never changed")
        parser.add_argument("--json", action="store_true", help="say it as JSON")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        with (settings.DATA_DIR / "import.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandError("Another import is under way; wait for its end.") from None
            try:
                report = import_reference(file, told=self._say)
            except NotImportable as error:
                raise CommandError(f"Nothing was imported: {error}") from error
            except CutOff as error:
                self._show(error.report, **options)
                raise CommandError(
                    f"Only a part was imported: {error} Do it again with a file that is whole."
                ) from error
        self._show(report, **options)

    def _show(self, report: Report, **options: Any) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        else:
            self.stdout.write("\n".join(report.lines()))

    def _say(self, report: Report) -> None:
        done = report.imported["threads"] + report.there["threads"]
        if done and done % SAY_EVERY == 0:
            self.stderr.write(f"{done} threads …")
