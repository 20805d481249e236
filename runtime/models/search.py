"""Search in the texts of runs, by index: FTS5 on SQLite, text search on PostgreSQL, kept by triggers
(migration 0003)."""

from __future__ import annotations

import re
import unicodedata

from django.db import connection
from django.db.models.expressions import RawSQL

from runtime.models.rows import select

MOST_WORDS = 20
#: A word that stands in a million runs must not cost a million reads: the newest so many are found.
MOST_RUNS = 500

# Whole words are found newest first, as far as is needed; for a beginning, all that begin so are gathered
# first. So beginnings are only looked for when whole words do not give enough.
_FIND = """
WITH whole AS MATERIALIZED (
    SELECT rowid AS id FROM run_search WHERE run_search MATCH %s ORDER BY rowid DESC LIMIT %s),
beginnings AS (
    SELECT rowid AS id FROM run_search
    WHERE run_search MATCH CASE WHEN (SELECT count(*) FROM whole) < %s THEN %s ELSE '""' END
    ORDER BY rowid DESC LIMIT %s)
SELECT run_search_ids.run_id FROM (SELECT id FROM whole UNION SELECT id FROM beginnings) AS found
JOIN run_search_ids ON run_search_ids.id = found.id
"""
# The index gathers all that match before the newest are known, and going through all runs takes too long for
# words that few have. So a look at the newest runs comes first: do many match, these are enough. (`id + 0`:
# not through all runs.)
_FIND_POSTGRESQL = """
WITH newest AS MATERIALIZED (
    SELECT run_id FROM (SELECT run_id, words FROM run_search ORDER BY id DESC LIMIT %s) AS latest
    WHERE words @@ CAST(%s AS tsquery)),
others AS MATERIALIZED (
    SELECT run_id FROM run_search
    WHERE (SELECT count(*) FROM newest) < %s AND words @@ CAST(%s AS tsquery) ORDER BY id + 0 DESC LIMIT %s)
SELECT run_id FROM newest UNION SELECT run_id FROM others
"""
# What is no part of a word, as migration 0003 has it for the texts.
_MARKS = re.compile(r"[\u0300-\u036f]+")
_BETWEEN = re.compile(r"[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u2000-\u206f\u3000-\u303f]+")
LONGEST_WORD = 100


def runs_with(text: str) -> RawSQL:
    """The ids of runs whose input, output or ids hold all these words; the last one may be a beginning."""
    if connection.vendor == "postgresql":
        words = text_query(text)
        many = [2 * MOST_RUNS, words, MOST_RUNS // 2, words, MOST_RUNS]
        return RawSQL(_FIND_POSTGRESQL, many)  # noqa: S611 - parameters only
    most = [match_expression(text, end=""), MOST_RUNS, MOST_RUNS, match_expression(text), MOST_RUNS]
    return RawSQL(_FIND, most)  # noqa: S611 - parameters only


def is_cut(text: str) -> bool:
    """Whether more runs may hold these words than `runs_with` finds."""
    enough = MOST_RUNS // 2 if connection.vendor == "postgresql" else MOST_RUNS
    found = runs_with(text)
    [(count,)] = select(f"SELECT count(*) FROM ({found.sql}) AS found", found.params)  # noqa: S608 - ours
    return bool(count >= enough)


def match_expression(text: str, end: str = "*") -> str:
    """What people type as an FTS5 query: every word quoted, so that none of it is query language. `end`: `*`
    when the last one may be a beginning."""
    quoted = ['"' + word.replace('"', '""') + '"' for word in text.split()[:MOST_WORDS]]
    return " ".join(quoted) + end if quoted else '""'


def text_query(text: str) -> str:
    """The same as a tsquery."""
    plain = unicodedata.normalize("NFKD", text.lower())
    words = [word[:LONGEST_WORD] for word in _BETWEEN.sub(" ", _MARKS.sub("", plain)).split()]
    return " & ".join(f"'{word}'" for word in words[:MOST_WORDS]) + ":*" if words else ""
