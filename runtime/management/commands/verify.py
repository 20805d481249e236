"""`manage.py verify`: recomputes every run from its events."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from runtime.management.plain import PlainCommand
from runtime.upkeep.verify import verify

SHOWN = 100


class Command(PlainCommand):
    """Exit code 1 on any difference."""

    help = "Recompute every run and what belongs to it from its events; check sequences, hashes and counters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
        else:
            for difference in report.differences[:SHOWN]:
                self.stdout.write(difference)
            self.stdout.write(
                f"{report.threads} threads, {report.runs} runs, {report.events} events, {report.decisions} "
                f"decisions: {len(report.differences) or 'no'} differences"
            )
        if report.differences:
            sys.exit(1)
