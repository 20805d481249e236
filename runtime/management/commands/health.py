"""`manage.py health`: the health report."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, connection

from harness_site import databases
from runtime.management.plain import PlainCommand
from runtime.models import RuntimeMetadata
from runtime.upkeep import health
from runtime.upkeep.health import BY_NAME, Status

EXIT_CODES = {Status.HEALTHY: 0, Status.DEGRADED: 1, Status.UNHEALTHY: 2}


class Command(PlainCommand):
    """Exit code 0 healthy, 1 degraded, 2 unhealthy."""

    help = "Print the health report; exit 0 when healthy, 1 when degraded, 2 when unhealthy."
    requires_system_checks: list[str] = []  # a broken workspace is a finding, not an error

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def look_at_database(self) -> None:
        """Exit code 2 where it is not ours; where it cannot be read, that is a finding."""
        try:
            super().look_at_database()
        except CommandError as error:
            raise CommandError(str(error), returncode=2) from None
        except DatabaseError:
            return

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unprepared()
        report = health.present(datetime.now(UTC)).document()
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self.stdout.write(f"{report['status']}, sampled {report['sampled_at']}")
            for check in report["checks"]:
                title = BY_NAME[check["name"]].title
                self.stdout.write(f"  {check['status']:<10} {title:<22} {check['reason']}")
        sys.exit(EXIT_CODES[Status(report["status"])])


def refuse_unprepared() -> None:
    """Nothing is healthy or unhealthy yet where nothing was set up. A database that cannot be read is a
    finding."""
    needed = RuntimeMetadata._meta.db_table
    try:
        tables = connection.introspection.table_names()
    except DatabaseError:
        return
    if needed not in tables:
        raise CommandError(databases.sentence(OperationalError(f"no such table: {needed}")), returncode=2)
