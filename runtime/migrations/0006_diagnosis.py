"""Why a run is in its state, its model, and what that model's last try met. The progress facet's indexes."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


def _added(name: str, sql_type: str, field: models.Field[Any, Any]) -> migrations.SeparateDatabaseAndState:
    # Django would make the table anew on SQLite, and its triggers would not survive that.
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(
                f"ALTER TABLE runs ADD COLUMN {name} {sql_type} NOT NULL DEFAULT ''",
                f"ALTER TABLE runs DROP COLUMN {name}",
            )
        ],
        state_operations=[migrations.AddField(model_name="run", name=name, field=field)],
    )


class Migration(migrations.Migration):
    dependencies = [("runtime", "0005_where_from")]

    operations = [
        _added(
            "fault",
            "varchar(40)",
            models.CharField(
                default="",
                help_text="What the last try of the model call met; empty after a reply.",
                max_length=40,
            ),
        ),
        _added(
            "model",
            "varchar(300)",
            models.CharField(default="", help_text="The name at the provider.", max_length=300),
        ),
        _added(
            "state_reason",
            "text",
            models.TextField(default="", help_text="Why it entered its state."),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("fault__gt", ""), ("state", "queued")),
                fields=["state", "-updated_at", "-run_id"],
                name="runs_wait_provider",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("fault", ""), ("state", "queued")),
                fields=["state", "-updated_at", "-run_id"],
                name="runs_wait_slot",
            ),
        ),
    ]
