"""Constraints that a schema editor cannot write, as triggers; the four roles.

- A row that names a thread and a run names a run of that thread.
- An event is never changed; emptying the payload of an old one is the one exception (its hash stays).
- A decision is never changed; the time when it was spent may be filled in, and what it says about a
  deleted thread's arguments may be erased.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PAIRED = [
    "approvals",
    "artifacts",
    "checkpoints",
    "events",
    "recovery_intents",
    "run_requests",
    "thread_messages",
    "tool_calls",
]
FROZEN = {
    "events": "thread_id run_id sequence type hash created_at",
    "decisions": (
        "approval_id thread_id run_id tool_call_id tool_name decision decided_by decided_at source address digest"
    ),
}
# These go when their thread is deleted; they are never replaced by something else.
ERASABLE = {"events": "event_json", "decisions": "reason content arguments_before arguments_after"}
ROLES = ["viewer", "operator", "reviewer", "administrator"]

MISMATCH = "the run does not belong to the thread"
APPEND_ONLY = "the row is append-only"


def _sqlite() -> list[str]:
    statements = []
    for table in PAIRED:
        for name, when in (("insert", "INSERT"), ("update", "UPDATE OF thread_id, run_id")):
            statements.append(
                f"CREATE TRIGGER {table}_pair_{name} BEFORE {when} ON {table} "
                "WHEN NEW.run_id IS NOT NULL AND NOT EXISTS "
                "(SELECT 1 FROM runs WHERE run_id = NEW.run_id AND thread_id = NEW.thread_id) "
                f"BEGIN SELECT RAISE(ABORT, '{MISMATCH}'); END"
            )
    for table, columns in FROZEN.items():
        statements.append(
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OF {', '.join(columns.split())} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        )
    for table, columns in ERASABLE.items():
        statements.append(
            f"CREATE TRIGGER {table}_erase BEFORE UPDATE OF {', '.join(columns.split())} ON {table} "
            f"WHEN {_kept(columns)} BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
        )
    return statements


def _kept(columns: str) -> str:
    """Whether one of the columns would hold something afterwards."""
    return " OR ".join(f"coalesce(CAST(NEW.{column} AS text), '') <> ''" for column in columns.split())


def _postgresql() -> list[str]:
    raise_ = "RAISE EXCEPTION '{}' USING ERRCODE = 'integrity_constraint_violation'"
    statements = [
        "CREATE FUNCTION check_run_of_thread() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.run_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM runs WHERE run_id = NEW.run_id AND thread_id = NEW.thread_id) "
        f"THEN {raise_.format(MISMATCH)}; END IF; RETURN NEW; END $$",
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{raise_.format(APPEND_ONLY)}; END $$",
    ]
    for table in PAIRED:
        statements.append(
            f"CREATE TRIGGER {table}_pair BEFORE INSERT OR UPDATE OF thread_id, run_id ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION check_run_of_thread()"
        )
    for table, columns in FROZEN.items():
        statements.append(
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE OF {', '.join(columns.split())} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table, columns in ERASABLE.items():
        statements.append(
            f"CREATE TRIGGER {table}_erase BEFORE UPDATE OF {', '.join(columns.split())} ON {table} "
            f"FOR EACH ROW WHEN ({_kept(columns)}) EXECUTE FUNCTION refuse_change()"
        )
    return statements


def write_triggers(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    statements = _sqlite() if schema_editor.connection.vendor == "sqlite" else _postgresql()
    for statement in statements:
        schema_editor.execute(statement)


def write_roles(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    group = apps.get_model("auth", "Group")
    for role in ROLES:
        group.objects.get_or_create(name=role)


class Migration(migrations.Migration):
    dependencies = [
        ("runtime", "0001_records"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunPython(write_triggers, elidable=False),
        migrations.RunPython(write_roles, migrations.RunPython.noop),
    ]
