"""How much waits and works: counters that triggers keep (migration 0014), since pages ask each time.

Their rows have no meaning one by one; the sum of each column counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from runtime.lifecycle import ACTIVE, ApprovalStatus, RunState
from runtime.models.rows import select

PROVIDER, PENDING = "behind_provider", "approvals_pending"
#: Counter → what it counts: a table and a condition. The active states have the names of the states.
COUNTED: Mapping[str, tuple[str, str]] = {
    **{state.value: ("runs", f"state = '{state.value}'") for state in sorted(ACTIVE)},
    PROVIDER: ("runs", f"state = '{RunState.QUEUED.value}' AND fault > ''"),
    PENDING: ("approvals", f"status = '{ApprovalStatus.PENDING.value}'"),
}
#: Each as it is found by looking at the rows themselves.
TRUTH: Mapping[str, str] = {
    name: f"(SELECT count(*) FROM {table} WHERE {condition})"  # noqa: S608 - names of ours
    for name, (table, condition) in COUNTED.items()
}
_SUMS = ", ".join(f"CAST(coalesce(sum({name}), 0) AS bigint)" for name in COUNTED)
COUNTS = f"SELECT {_SUMS} FROM counters"  # noqa: S608 - the same
_BOTH = f"SELECT {_SUMS}, {', '.join(TRUTH.values())} FROM counters"  # noqa: S608 - the same


def counts() -> dict[str, int]:
    """`{counter: rows}`."""
    return dict(zip(COUNTED, select(COUNTS, [])[0], strict=True))


def wrong_counters() -> dict[str, tuple[int, int]]:
    """Of each counter that differs from what it counts: what it says, and what there is."""
    found = select(_BOTH, [])[0]  # one statement, so that both are of the same moment
    said, there = found[: len(COUNTED)], found[len(COUNTED) :]
    return {name: (one, other) for name, one, other in zip(COUNTED, said, there, strict=True) if one != other}
