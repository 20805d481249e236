"""`manage.py benchmark [NAME]`: lists the product's benchmarks, or runs one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from argparse import SUPPRESS, Namespace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from runtime.benchmarks import machine, place
from runtime.benchmarks.product import MANAGE
from runtime.benchmarks.registry import ALL
from runtime.benchmarks.report import BenchmarkError
from runtime.management.plain import PlainCommand, PlainParser


class Command(PlainCommand):
    """A benchmark runs in a process with a data directory and a database of its own, gone afterwards."""

    help = "List the benchmarks, or run one in a data directory and a database of its own."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        names = parser.add_subparsers(
            dest="name", metavar="NAME", parser_class=PlainParser, help="which one (without: list them)"
        )
        for name, each in ALL.items():
            own = names.add_parser(name, help=each.SUMMARY, description=each.SUMMARY)
            own.add_argument("--json", action="store_true", default=SUPPRESS, help="print JSON")
            each.add_arguments(own)

    def look_at_database(self) -> None:
        """Nothing: it is not the one that is measured."""

    def run_from_argv(self, argv: list[str]) -> None:
        self._words = argv[1:]
        super().run_from_argv(argv)

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        if name is None:
            self._list(as_json=options["json"])
        elif place.is_own(Path(settings.DATA_DIR)):
            self._measure(name, Namespace(**options))
        else:
            try:
                with place.made(Path(settings.DATA_DIR), os.environ) as env:
                    code = run_there(self._words, env)
            except BenchmarkError as error:
                raise CommandError(str(error)) from None
            if code:
                sys.exit(code)

    def _list(self, *, as_json: bool) -> None:
        summaries = {name: each.SUMMARY for name, each in ALL.items()}
        if as_json:
            self.stdout.write(json.dumps(summaries))
            return
        width = max(map(len, summaries))
        for name, summary in summaries.items():
            self.stdout.write(f"{name.ljust(width)}  {summary}")

    def _measure(self, name: str, options: Namespace) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        seen = machine.look()
        try:
            report = ALL[name].run(options)
        except BenchmarkError as error:
            raise CommandError(str(error)) from None
        seen.load_after = os.getloadavg()[0]
        if options.json:
            found = {"benchmark": name, "machine": seen.as_json(), **report.as_json()}
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write(f"{report.as_text()}\n{seen.as_text()}")
        if report.failed:
            raise CommandError(report.failed)


def run_there(words: list[str], env: dict[str, str]) -> int:
    """The same command in another place; its exit code. A signal to this process ends that one first."""
    process = subprocess.Popen([sys.executable, str(MANAGE), *words], env=env)  # noqa: S603  (our own command)

    def end(*_: object) -> None:
        process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return process.wait()
