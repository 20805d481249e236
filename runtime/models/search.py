"""Search in the texts of runs, by index: FTS5 on SQLite, text search on PostgreSQL, kept by triggers
(migration 0003)."""

from __future__ import annotations

import re
import unicodedata

from django.db import connection
from django.db.models.expressions import RawSQL

MOST_WORDS = 20
#: A word that stands in a million runs must not cost a million reads: the newest so many are considered.
MOST_RUNS = 10_000

_FIND = """
SELECT run_search_ids.run_id FROM run_search JOIN run_search_ids ON run_search_ids.id = run_search.rowid
WHERE run_search MATCH %s ORDER BY run_search.rowid DESC LIMIT %s
"""
_FIND_POSTGRESQL = """
SELECT run_id FROM run_search WHERE words @@ CAST(%s AS tsquery) ORDER BY id DESC LIMIT %s
"""
# What is no part of a word, as migration 0003 has it for the texts.
_MARKS = re.compile(r"[\u0300-\u036f]+")
_BETWEEN = re.compile(r"[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u2000-\u206f\u3000-\u303f]+")
LONGEST_WORD = 100


def runs_with(text: str) -> RawSQL:
    """The ids of runs whose input, output or ids hold all these words; the last one may be a beginning."""
    if connection.vendor == "postgresql":
        return RawSQL(_FIND_POSTGRESQL, [text_query(text), MOST_RUNS])  # noqa: S611 - parameters only
    return RawSQL(_FIND, [match_expression(text), MOST_RUNS])  # noqa: S611 - parameters only


def match_expression(text: str) -> str:
    """What people type as an FTS5 query: every word quoted, so that none of it is query language."""
    quoted = ['"' + word.replace('"', '""') + '"' for word in text.split()[:MOST_WORDS]]
    return " ".join(quoted) + "*" if quoted else '""'


def text_query(text: str) -> str:
    """The same as a tsquery."""
    plain = unicodedata.normalize("NFKD", text.lower())
    words = [word[:LONGEST_WORD] for word in _BETWEEN.sub(" ", _MARKS.sub("", plain)).split()]
    return " & ".join(f"'{word}'" for word in words[:MOST_WORDS]) + ":*" if words else ""
