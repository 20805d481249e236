"""Search in the texts of runs, by index: FTS5 on SQLite, kept by triggers (migration 0003)."""

from __future__ import annotations

from django.db.models.expressions import RawSQL

MOST_WORDS = 20
#: A word that stands in a million runs must not cost a million reads: the newest so many are considered.
MOST_RUNS = 10_000

_FIND = """
SELECT run_search_ids.run_id FROM run_search JOIN run_search_ids ON run_search_ids.id = run_search.rowid
WHERE run_search MATCH %s ORDER BY run_search.rowid DESC LIMIT %s
"""


def runs_with(text: str) -> RawSQL:
    """The ids of runs whose input, output or ids hold all these words; the last one may be a beginning."""
    return RawSQL(_FIND, [match_expression(text), MOST_RUNS])  # noqa: S611 - parameters only


def match_expression(text: str) -> str:
    """What people type as an FTS5 query: every word quoted, so that none of it is query language."""
    quoted = ['"' + word.replace('"', '""') + '"' for word in text.split()[:MOST_WORDS]]
    return " ".join(quoted) + "*" if quoted else '""'
