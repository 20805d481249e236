"""Runs that were brought along from a reference database say when."""

from __future__ import annotations

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.apps.registry import Apps


def add_column(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # Django would make the table anew on SQLite, and its triggers would not survive that.
    kind = "datetime" if schema_editor.connection.vendor == "sqlite" else "timestamp with time zone"
    schema_editor.execute(f"ALTER TABLE runs ADD COLUMN imported_at {kind} NULL")


class Migration(migrations.Migration):
    dependencies = [("runtime", "0009_maintenance")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add_column, migrations.RunPython.noop)],
            state_operations=[
                migrations.AddField(
                    model_name="run",
                    name="imported_at",
                    field=models.DateTimeField(
                        help_text="When it was brought along from a reference database.", null=True
                    ),
                )
            ],
        ),
    ]
