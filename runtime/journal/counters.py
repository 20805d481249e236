"""The counters of what waits and works, set right: only for rows that came or went without their triggers."""

from __future__ import annotations

from django.db import connection

from runtime.journal.rows import change_rows
from runtime.journal.transaction import unit
from runtime.models.counters import TRUTH
from runtime.models.rows import execute

# All of it in one row; the others count from there.
_COLUMNS = ", ".join(f"{name} = CASE shard WHEN 0 THEN {truth} ELSE 0 END" for name, truth in TRUTH.items())
_RECOUNT = f"UPDATE counters SET {_COLUMNS}"  # noqa: S608 - names of ours


def recount() -> None:
    """Makes every counter what is there, beside any number of writers."""
    with unit():
        if connection.vendor == "postgresql":
            # Writers count at their commit. Those that have are waited for and then seen; the others wait.
            execute("LOCK TABLE counters IN SHARE ROW EXCLUSIVE MODE", [])
        change_rows(_RECOUNT, [])
