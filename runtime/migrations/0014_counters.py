"""Counters of what waits and works, kept by triggers: a page shows them, and none counts ten thousand rows.

One row on SQLite, which has one writer at a time. PostgreSQL has many, and each would hold the row that all
need until its commit: there are many rows, whose sum counts, and a connection writes to one of them. That
happens at the end of its transaction, when it has all other locks, so that nobody who has a counter waits
for something else.

Should Django ever remake the tables `runs` or `approvals` on SQLite (a changed field or constraint), these
triggers go with the old ones and have to be made anew there.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SHARDS = 64
RUNS = {
    "queued": "{row}.state = 'queued'",
    "behind_provider": "{row}.state = 'queued' AND {row}.fault > ''",
    "running": "{row}.state = 'running'",
    "waiting_for_approval": "{row}.state = 'waiting_for_approval'",
    "waiting_for_child": "{row}.state = 'waiting_for_child'",
    "in_doubt": "{row}.state = 'in_doubt'",
}
APPROVALS = {"approvals_pending": "{row}.status = 'pending'"}
ACTIVE = "{row}.state IN ('queued', 'running', 'waiting_for_approval', 'waiting_for_child', 'in_doubt')"
PENDING = APPROVALS["approvals_pending"]
BEHIND = "({row}.fault > '')"


def _moved(differs: str) -> str:
    behind = f"{BEHIND.format(row='NEW')} {differs} {BEHIND.format(row='OLD')}"
    return f"NEW.state {differs} OLD.state OR (NEW.state = 'queued' AND {behind})"


def _triggers(differs: str) -> list[tuple[str, str, str, dict[str, str]]]:
    """Table, event, when it matters, and what is counted of the table."""
    return [
        ("runs", "INSERT", ACTIVE.format(row="NEW"), RUNS),
        ("runs", "UPDATE OF state, fault", _moved(differs), RUNS),
        ("runs", "DELETE", ACTIVE.format(row="OLD"), RUNS),
        ("approvals", "INSERT", PENDING.format(row="NEW"), APPROVALS),
        ("approvals", "UPDATE OF status", f"NEW.status {differs} OLD.status", APPROVALS),
        ("approvals", "DELETE", PENDING.format(row="OLD"), APPROVALS),
    ]


def _name(table: str, event: str) -> str:
    return f"{table}_counted_{event.split()[0].lower()}"


def _table() -> str:
    columns = ", ".join(f"{column} bigint NOT NULL DEFAULT 0" for column in {**RUNS, **APPROVALS})
    return f"CREATE TABLE counters (shard integer NOT NULL PRIMARY KEY, {columns})"


def _fill(shard: str) -> str:
    """Into the first row, what there is."""
    counts = [
        f"(SELECT count(*) FROM {table} WHERE {condition.format(row=table)})"
        for table, counted in (("runs", RUNS), ("approvals", APPROVALS))
        for condition in counted.values()
    ]
    columns = ", ".join(("shard", *RUNS, *APPROVALS))
    return f"INSERT INTO counters ({columns}) VALUES ({shard}, {', '.join(counts)})"


def _sqlite() -> list[str]:
    statements = [_table(), _fill("0")]
    for table, event, when, counted in _triggers("IS NOT"):
        new = "" if event == "DELETE" else " + ({new})"
        old = "" if event == "INSERT" else " - ({old})"
        changes = ", ".join(
            f"{column} = {column}"
            + (new + old).format(new=condition.format(row="NEW"), old=condition.format(row="OLD"))
            for column, condition in counted.items()
        )
        statements.append(
            f"CREATE TRIGGER {_name(table, event)} AFTER {event} ON {table} WHEN {when} "
            f"BEGIN UPDATE counters SET {changes} WHERE shard = 0; END"
        )
    return statements


def _postgresql() -> list[str]:
    # Room in each page for the versions that the rows leave behind.
    statements = [f"{_table()} WITH (fillfactor = 10)"]
    for table, counted in (("runs", RUNS), ("approvals", APPROVALS)):
        # Of a row that is not there, all columns are null.
        changes = ", ".join(
            f"{column} = {column} + CAST(({condition.format(row='NEW')}) IS TRUE AS integer) "
            f"- CAST(({condition.format(row='OLD')}) IS TRUE AS integer)"
            for column, condition in counted.items()
        )
        none = ", ".join(f"{column} = 0" for column in counted)
        statements += [
            f"CREATE FUNCTION count_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'TRUNCATE' THEN UPDATE counters SET {none}; "
            f"ELSE UPDATE counters SET {changes} WHERE shard = mod(pg_backend_pid(), {SHARDS}); END IF; "
            "RETURN NULL; END $$",
            f"CREATE TRIGGER {table}_counted_truncate AFTER TRUNCATE ON {table} "
            f"EXECUTE FUNCTION count_{table}()",
        ]
    for table, event, when, _ in _triggers("IS DISTINCT FROM"):
        statements.append(
            f"CREATE CONSTRAINT TRIGGER {_name(table, event)} AFTER {event} ON {table} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION count_{table}()"
        )
    # The triggers keep writers out until the commit, so nothing changes after it was counted.
    statements.append(_fill("0"))
    statements.append(f"INSERT INTO counters (shard) SELECT generate_series(1, {SHARDS - 1})")
    return statements


def write_counters(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in _sqlite() if schema_editor.connection.vendor == "sqlite" else _postgresql():
        schema_editor.execute(statement)


def drop_counters(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for table, event, _, _ in _triggers(""):
        schema_editor.execute(f"DROP TRIGGER {_name(table, event)}" + ("" if sqlite else f" ON {table}"))
    for table in () if sqlite else ("runs", "approvals"):
        schema_editor.execute(f"DROP FUNCTION count_{table} CASCADE")
    schema_editor.execute("DROP TABLE counters")


class Migration(migrations.Migration):
    dependencies = [("runtime", "0013_indexes")]

    operations = [
        migrations.RunPython(write_counters, drop_counters),
        # It was there to count by, and was written twice by each run that waited.
        migrations.RemoveIndex("run", "runs_waiting"),
    ]
