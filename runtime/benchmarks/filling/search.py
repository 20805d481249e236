"""The search's own tables (migration 0003), caught up in one go: their triggers were away."""

from __future__ import annotations

from importlib import import_module

from django.db import connection

_MIGRATION = import_module("runtime.migrations.0003_search")

_POSTGRESQL = """
INSERT INTO run_search (run_id, words)
SELECT runs.run_id, run_search_words(runs.run_id || ' ' || runs.thread_id)
    || run_search_words(coalesce(run_requests.request_json ->> 'input', runs.title))
    || run_search_words(coalesce(runs.output, ''))
FROM runs LEFT JOIN run_requests ON run_requests.run_id = runs.run_id
WHERE NOT EXISTS (SELECT 1 FROM run_search WHERE run_search.run_id = runs.run_id)
ORDER BY runs.created_at, runs.run_id
"""
_NEW_IDS = """
INSERT INTO run_search_ids (run_id) SELECT run_id FROM runs
WHERE run_id NOT IN (SELECT run_id FROM run_search_ids) ORDER BY created_at, run_id
"""


def catch_up() -> None:
    """Runs that cannot be found yet can be found."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL)
            return
        cursor.execute("SELECT coalesce(max(id), 0) FROM run_search_ids")
        last = cursor.fetchone()[0]
        cursor.execute(_NEW_IDS)
        texts = f"{_MIGRATION.TEXTS} WHERE run_search_ids.id > %s ORDER BY run_search_ids.id"
        cursor.execute(f"INSERT INTO run_search (rowid, ids, input, output) {texts}", [last])  # noqa: S608
