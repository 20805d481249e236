"""Search in the texts of runs by index, and indexes for the filters of the list of approvals.

`run_search` holds ids, input and output of each run. Its row numbers come from `run_search_ids`: those of
`runs` itself may change when the file is compacted. On PostgreSQL `run_search` holds the words of all three;
they are parted here and not by its own parsers, which read numbers and units into the parts of an id.
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

MARKS = "[\\u0300-\\u036f]+"
BETWEEN = "[\\u0001-\\u002f\\u003a-\\u0040\\u005b-\\u0060\\u007b-\\u00bf\\u2000-\\u206f\\u3000-\\u303f]+"
MOST_CHARACTERS = 100_000  # of each text: a tsvector has at most a megabyte

POSTGRESQL = [
    "CREATE FUNCTION run_search_words(content text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$ "
    "SELECT coalesce(array_to_tsvector(array_agg(DISTINCT left(word, 100))), '') FROM regexp_split_to_table("
    f"left(regexp_replace(normalize(lower(content), NFKD), '{MARKS}', '', 'g'), {MOST_CHARACTERS}), "
    f"'{BETWEEN}') AS word WHERE word <> '' $$",
    "CREATE TABLE run_search (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
    "run_id varchar(64) NOT NULL UNIQUE, words tsvector NOT NULL)",
    "CREATE INDEX run_search_words_index ON run_search USING gin (words)",
    "CREATE FUNCTION keep_run_search() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO run_search (run_id, words) SELECT runs.run_id, "
    "run_search_words(runs.run_id || ' ' || runs.thread_id) "
    "|| run_search_words(coalesce(run_requests.request_json ->> 'input', runs.title)) "
    "|| run_search_words(coalesce(runs.output, '')) "
    "FROM runs LEFT JOIN run_requests ON run_requests.run_id = runs.run_id WHERE runs.run_id = NEW.run_id "
    "ON CONFLICT (run_id) DO UPDATE SET words = EXCLUDED.words; RETURN NULL; END $$",
    "CREATE FUNCTION drop_run_search() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF TG_OP = 'TRUNCATE' THEN DELETE FROM run_search; "
    "ELSE DELETE FROM run_search WHERE run_id = OLD.run_id; END IF; RETURN NULL; END $$",
    "CREATE TRIGGER run_search_asked AFTER INSERT ON run_requests "
    "FOR EACH ROW EXECUTE FUNCTION keep_run_search()",
    "CREATE TRIGGER run_search_brought AFTER INSERT ON runs "
    "FOR EACH ROW WHEN (NEW.output IS NOT NULL) EXECUTE FUNCTION keep_run_search()",
    "CREATE TRIGGER run_search_said AFTER UPDATE OF output ON runs "
    "FOR EACH ROW WHEN (NEW.output IS DISTINCT FROM OLD.output) EXECUTE FUNCTION keep_run_search()",
    "CREATE TRIGGER run_search_gone AFTER DELETE ON runs FOR EACH ROW EXECUTE FUNCTION drop_run_search()",
    "CREATE TRIGGER run_search_emptied AFTER TRUNCATE ON runs EXECUTE FUNCTION drop_run_search()",
]


def write_search(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
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
