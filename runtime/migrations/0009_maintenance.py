"""Maintenance: passes, turns, holds, and what a deletion may leave for later.

The foreign keys of `events` go: the database would look for a run's events before the run may be deleted, so
that they had to go first, in one long transaction. A trigger (migration 0002) lets no event in without its
run. Emptying an event is narrowed down to what maintenance does: streamed text of a run that has ended.
"""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import runtime.models.base

MISMATCH = "the run does not belong to the thread"
APPEND_ONLY = "the row is append-only"
FROZEN = "thread_id, run_id, sequence, type, hash, created_at"
ENDED = "('completed', 'failed', 'cancelled')"

# On SQLite the table is made anew without the keys, and its triggers went with the old one.
SQLITE = [
    *(
        f"CREATE TRIGGER events_pair_{name} BEFORE {when} ON events "
        "WHEN NOT EXISTS (SELECT 1 FROM runs WHERE run_id = NEW.run_id AND thread_id = NEW.thread_id) "
        f"BEGIN SELECT RAISE(ABORT, '{MISMATCH}'); END"
        for name, when in (("insert", "INSERT"), ("update", "UPDATE OF thread_id, run_id"))
    ),
    f"CREATE TRIGGER events_frozen BEFORE UPDATE OF {FROZEN} ON events "
    f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    "CREATE TRIGGER events_erase BEFORE UPDATE OF event_json ON events "
    "WHEN NEW.event_json <> '' OR OLD.type <> 'output.delta' "
    f"OR NOT EXISTS (SELECT 1 FROM runs WHERE run_id = OLD.run_id AND state IN {ENDED}) "
    f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
]
POSTGRESQL = [
    "DROP TRIGGER events_erase ON events",
    "CREATE FUNCTION check_emptied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF NEW.event_json <> '' OR OLD.type <> 'output.delta' "
    f"OR NOT EXISTS (SELECT 1 FROM runs WHERE run_id = OLD.run_id AND state IN {ENDED}) "
    f"THEN RAISE EXCEPTION '{APPEND_ONLY}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
    "RETURN NEW; END $$",
    "CREATE TRIGGER events_erase BEFORE UPDATE OF event_json ON events "
    "FOR EACH ROW EXECUTE FUNCTION check_emptied()",
]


def write_triggers(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("runtime", "0008_denials"),
    ]

    operations = [
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("thread_id", models.CharField(db_index=True, max_length=64)),
                ("reason", models.TextField()),
                ("held_by", models.CharField(max_length=200)),
                ("held_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("source", models.CharField(max_length=16)),
                ("address", models.CharField(default="", max_length=64)),
                ("lifted_by", models.CharField(default="", max_length=200)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lifted_source", models.CharField(default="", max_length=16)),
                ("lifted_address", models.CharField(default="", max_length=64)),
            ],
            options={
                "db_table": "holds",
            },
        ),
        migrations.CreateModel(
            name="MaintenancePass",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("checkpoints", "checkpoints"), ("records", "records")], max_length=16
                    ),
                ),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(help_text="Empty while it is under way.", null=True)),
                ("dry_run", models.BooleanField(default=False)),
                (
                    "requested_by",
                    models.CharField(default="", help_text="Empty: its time had come.", max_length=200),
                ),
                ("made_by", models.CharField(default="", help_text="The process.", max_length=200)),
                (
                    "done_json",
                    runtime.models.base.VerbatimJSON(
                        default=dict, help_text="What was removed, in rows and bytes."
                    ),
                ),
                (
                    "kept_json",
                    runtime.models.base.VerbatimJSON(default=dict, help_text="What stayed, by reason."),
                ),
                ("error", models.TextField(default="", help_text="Why it did not do everything.")),
            ],
            options={
                "verbose_name_plural": "maintenance passes",
                "db_table": "maintenance_passes",
            },
        ),
        migrations.CreateModel(
            name="MaintenanceTurn",
            fields=[
                ("kind", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("next_at", models.DateTimeField()),
                (
                    "wanted_by",
                    models.CharField(
                        default="", help_text="Who asked for it before its time.", max_length=200
                    ),
                ),
                ("taken_by", models.CharField(default="", max_length=200)),
                ("lease_until", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "maintenance_turns",
            },
        ),
        migrations.AddField(
            model_name="run",
            name="text_emptied_at",
            field=models.DateTimeField(help_text="Since when its events hold no streamed text.", null=True),
        ),
        migrations.AlterField(
            model_name="event",
            name="run",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="runtime.run",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="thread",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="runtime.thread",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("text_emptied_at__isnull", True)),
                fields=["run_id"],
                name="runs_with_text",
            ),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("state", "in_doubt")), fields=["thread"], name="tool_calls_in_doubt"
            ),
        ),
        migrations.AddField(
            model_name="thread",
            name="hold",
            field=models.ForeignKey(
                help_text="While it is held.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="runtime.hold",
            ),
        ),
        migrations.AddIndex(
            model_name="maintenancepass",
            index=models.Index(fields=["kind", "-id"], name="passes_kind"),
        ),
        migrations.AddIndex(
            model_name="maintenancepass",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)), fields=["kind"], name="passes_unfinished"
            ),
        ),
        migrations.RunPython(write_triggers, elidable=False),
    ]
