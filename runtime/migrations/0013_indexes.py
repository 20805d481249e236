"""Indexes that others cover go, since every one is written with each move of a run; one that lists lacked."""

from __future__ import annotations

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

#: Foreign keys whose column is the first of another index, or gets a smaller one below.
COVERED = [
    ("runs", "thread_id"),
    ("runs", "parent_run_id"),
    ("runs", "retried_from_id"),
    ("runs", "forked_from_id"),
    ("thread_messages", "thread_id"),
    ("checkpoints", "run_id"),
]


def drop_covered(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    # By hand: Django would make the tables anew on SQLite, and their triggers would not survive that.
    connection = schema_editor.connection
    for table, column in COVERED:
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, table)
        for name, about in found.items():
            plain = about["index"] and not (about["unique"] or about["primary_key"] or about["foreign_key"])
            if plain and about["columns"] == [column]:
                schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")


def _key(model: str, name: str, field: models.ForeignKey[models.Model]) -> migrations.AlterField:
    return migrations.AlterField(model_name=model, name=name, field=field)


def _link(name: str) -> models.ForeignKey[models.Model]:
    return models.ForeignKey(
        "runtime.run",
        null=True,
        on_delete=django.db.models.deletion.SET_NULL,
        related_name=name,
        db_index=False,
    )


class Migration(migrations.Migration):
    dependencies = [("runtime", "0012_waiting")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_covered, migrations.RunPython.noop)],
            state_operations=[
                _key(
                    "run",
                    "thread",
                    models.ForeignKey(
                        "runtime.thread",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        db_index=False,
                    ),
                ),
                _key("run", "parent_run", _link("children")),
                _key("run", "retried_from", _link("retries")),
                _key("run", "forked_from", _link("forks")),
                _key(
                    "threadmessage",
                    "thread",
                    models.ForeignKey(
                        "runtime.thread",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        db_index=False,
                    ),
                ),
                _key(
                    "checkpoint",
                    "run",
                    models.ForeignKey(
                        "runtime.run",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="checkpoints",
                        db_index=False,
                    ),
                ),
            ],
        ),
        migrations.RemoveIndex("run", "runs_thread_updated"),
        migrations.RemoveIndex("run", "runs_wait_slot"),
        migrations.RemoveIndex("run", "runs_owner_state"),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["lease_owner"], name="runs_running", condition=models.Q(state="running")
            ),
        ),
        *(
            migrations.AddIndex(
                "run",
                models.Index(fields=[field], name=name, condition=models.Q(**{f"{field}__isnull": False})),
            )
            for field, name in (
                ("parent_run", "runs_children"),
                ("retried_from", "runs_retries"),
                ("forked_from", "runs_forks"),
            )
        ),
        migrations.AddIndex(
            "run",
            models.Index(fields=["agent_id", "state", "-updated_at", "-run_id"], name="runs_agent_state"),
        ),
    ]
