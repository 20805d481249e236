"""Search in the texts of runs by index, and indexes for the filters of the list of approvals.

`run_search` holds ids, input and output of each run. Its row numbers come from `run_search_ids`: those of
`runs` itself may change when the file is compacted.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TEXTS = """
SELECT run_search_ids.id, runs.run_id || ' ' || runs.thread_id,
       coalesce(json_extract(run_requests.request_json, '$.input'), runs.title), coalesce(runs.output, '')
FROM run_search_ids JOIN runs ON runs.run_id = run_search_ids.run_id
LEFT JOIN run_requests ON run_requests.run_id = runs.run_id
"""
REPLACE = f"INSERT OR REPLACE INTO run_search (rowid, ids, input, output) {TEXTS} WHERE runs.run_id = NEW.run_id"

SQLITE = [
    "CREATE TABLE run_search_ids (id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE run_search USING fts5("
    "ids, input, output, tokenize = 'unicode61 remove_diacritics 2')",
    "INSERT INTO run_search_ids (run_id) SELECT run_id FROM runs ORDER BY created_at, run_id",
    f"INSERT INTO run_search (rowid, ids, input, output) {TEXTS}",
    "CREATE TRIGGER run_search_new AFTER INSERT ON runs BEGIN "
    "INSERT OR IGNORE INTO run_search_ids (run_id) VALUES (NEW.run_id); END",
    # A new run's texts are written once: with its request, or, for one that comes without, with its output.
    f"CREATE TRIGGER run_search_asked AFTER INSERT ON run_requests BEGIN {REPLACE}; END",
    "CREATE TRIGGER run_search_brought AFTER INSERT ON runs WHEN NEW.output IS NOT NULL "
    f"BEGIN INSERT OR IGNORE INTO run_search_ids (run_id) VALUES (NEW.run_id); {REPLACE}; END",
    "CREATE TRIGGER run_search_said AFTER UPDATE OF output ON runs WHEN NEW.output IS NOT OLD.output "
    f"BEGIN {REPLACE}; END",
    "CREATE TRIGGER run_search_gone BEFORE DELETE ON runs BEGIN "
    "DELETE FROM run_search WHERE rowid = (SELECT id FROM run_search_ids WHERE run_id = OLD.run_id); "
    "DELETE FROM run_search_ids WHERE run_id = OLD.run_id; END",
]


def write_search(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        for statement in SQLITE:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("runtime", "0002_guards")]

    operations = [
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["requested_at", "approval_id"], name="approvals_requested"),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["tool_name", "requested_at", "approval_id"], name="approvals_tool"),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["agent_id", "requested_at", "approval_id"], name="approvals_agent"),
        ),
        migrations.RunPython(write_search, migrations.RunPython.noop),
    ]
