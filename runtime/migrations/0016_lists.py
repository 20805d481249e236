"""Indexes for every filter of the lists, with the order of the list in them. Those of approvals that a decision
wrote again without need, and those that a wider one covers, go."""

from __future__ import annotations

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def drop_key(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # By hand: Django would make the table anew on SQLite, and its triggers would not survive that.
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "approvals")
    for name, about in found.items():
        if about["columns"] == ["run_id"] and about["index"] and not about["foreign_key"]:
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def restore_key(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute("CREATE INDEX approvals_run_id ON approvals (run_id)")


def _added(name: str, *fields: str, condition: models.Q | None = None) -> migrations.AddIndex:
    index = models.Index(fields=fields, name=name, condition=condition)
    return migrations.AddIndex("run" if name.startswith("runs") else "approval", index)


class Migration(migrations.Migration):
    dependencies = [("runtime", "0015_deletions")]

    operations = [
        _added("runs_thread_updated", "thread", "-updated_at", "-run_id"),
        _added("approvals_thread", "thread", "requested_at", "approval_id"),
        _added("approvals_run", "run", "requested_at", "approval_id"),
        _added("approvals_tool_status", "tool_name", "status", "requested_at", "approval_id"),
        _added("approvals_agent_status", "agent_id", "status", "requested_at", "approval_id"),
        migrations.RemoveIndex("approval", "approvals_thread_run"),
        _added("approvals_thread_run", "thread", "run", "requested_at", "approval_id"),
        migrations.RemoveIndex("approval", "approvals_status_requested"),
        _added("approvals_status_requested", "status", "-requested_at", "-approval_id"),
        migrations.RemoveIndex("approval", "approvals_status_expires"),
        _added(
            "approvals_status_expires",
            "status",
            "expires_at",
            condition=models.Q(status="pending", expires_at__isnull=False),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_key, restore_key)],
            state_operations=[
                migrations.AlterField(
                    model_name="approval",
                    name="run",
                    field=models.ForeignKey(
                        "runtime.run",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="approvals",
                        db_index=False,
                    ),
                )
            ],
        ),
    ]
