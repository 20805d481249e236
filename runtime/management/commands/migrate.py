"""`manage.py migrate`: Django's, which leaves another program's database alone."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connection

from runtime.journal.schema import METADATA, check_schema
from runtime.management.plain import PlainCommand


class Command(PlainCommand, migrate.Command):
    """Looks at the database as every command does, and afterwards writes whose it is."""

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if METADATA in connection.introspection.table_names():  # not after a plan, or a way back to nothing
            check_schema(str(connection.settings_dict["NAME"]))
