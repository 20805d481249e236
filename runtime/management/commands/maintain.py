"""`manage.py maintain`: a maintenance pass now, or what it would do."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from runtime import access
from runtime.events import iso
from runtime.management.plain import PlainCommand
from runtime.models import MaintenancePass
from runtime.models.maintenance import KINDS
from runtime.upkeep import maintenance
from runtime.web.maintenance import parts, reasons
from runtime.workspace import WorkspaceError


class Command(PlainCommand):
    """Both kinds unless one is named. Exit code 1 when a pass is under way, or did not do everything."""

    help = "Remove what the workspace's maintenance policies let go, now; with --dry-run only count it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", nargs="?", choices=KINDS, help="one kind only")
        parser.add_argument("--dry-run", action="store_true", help="count, and remove nothing")
        parser.add_argument("--json", action="store_true", help="print the passes as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        kinds = [options["kind"]] if options["kind"] else KINDS
        try:
            made = [self._make(kind, options["dry_run"]) for kind in kinds]
        except WorkspaceError as error:
            raise CommandError(f"The workspace cannot be loaded: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps([as_json(current) for current in made]))
        else:
            for current in made:
                self.stdout.write(as_text(current))
        failed = [current for current in made if current.error]
        if failed:
            raise CommandError(f"The {failed[0].kind} maintenance did not do everything: {failed[0].error}")

    def _make(self, kind: str, dry_run: bool) -> MaintenancePass:
        by = access.command().name
        if dry_run:
            return maintenance.dry_run(kind, requested_by=by)
        current = maintenance.run_pass(kind, requested_by=by)
        if current is None:
            raise CommandError(f"Another pass of the {kind} maintenance is under way; wait for its end.")
        return current


def as_json(current: MaintenancePass) -> dict[str, Any]:
    """A pass as the API shows it."""
    return {
        "kind": current.kind,
        "dry_run": current.dry_run,
        "started_at": iso(current.started_at),
        "finished_at": iso(current.finished_at) if current.finished_at else None,
        "requested_by": current.requested_by,
        "done": current.done_json,
        "kept": current.kept_json,
        "error": current.error or None,
    }


def as_text(current: MaintenancePass) -> str:
    """A pass in a line, and what stayed in one each, in the words of the page."""
    removed, stayed = ("would remove", "would stay") if current.dry_run else ("removed", "stayed")
    lines = [f"{current.kind}: {removed} {', '.join(parts(current.done_json)) or 'nothing'}"]
    return "\n".join([*lines, *(f"  {stayed}: {reason}" for reason in reasons(current.kept_json))])
