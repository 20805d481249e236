"""Brings the tallies up to the present: reads only what came since the last time, by index.

What is younger than a moment is left for the next time: on PostgreSQL a transaction may commit a little after
the times it writes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from runtime.events import iso
from runtime.models import Approval, DecisionRecord, Event, Run
from runtime.upkeep.health import hours, tallies
from runtime.upkeep.health.tallies import Tallies

SETTLED = timedelta(seconds=2)
MOST_ROWS = 2_000  #: of a kind in one go; the rest comes the next time
NOBODY = "system"  #: decided by a deadline or a deletion


def brought_up(before: Mapping[str, Any], now: datetime, window_seconds: float) -> Tallies:
    """The tallies as of now. The first time: every run that ever ended, and the calls of the window."""
    found = copy.deepcopy(dict(before))
    marks = found.setdefault("until", {})
    until = now - SETTLED
    start = until - timedelta(seconds=window_seconds)
    marks["calls"] = iso(_calls(found, _mark(marks, "calls") or start, until))
    marks["decisions"] = iso(_decisions(found, _mark(marks, "decisions") or start, until))
    _ended(found, _mark(marks, "ended"), until)
    marks["ended"] = iso(until)
    tallies.forget(found, now, window_seconds)
    hours.forget(found, now)
    return found


def _mark(marks: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(marks[name]) if name in marks else None


def _ended(found: Tallies, after: datetime | None, until: datetime) -> None:
    """Runs that ended, of the last day hour by hour."""
    day = until - timedelta(hours=tallies.DAY_HOURS)
    if after is None or after < day:
        tallies.count_ended(found, Run.objects.all().ended_between(after, day))
        after = day
    for begin, end in hours.slices(after, until):
        ended = Run.objects.all().ended_between(begin, end)
        tallies.count_ended(found, ended)
        hours.add_ended(found, ended, begin)


def _calls(found: Tallies, after: datetime, until: datetime) -> datetime:
    rows = Event.objects.ended_calls(after, until, MOST_ROWS)
    last = rows[-1][0] if len(rows) == MOST_ROWS else until
    for at, text in rows:
        # Of a full batch, those of its last moment come the next time, with all others of that moment.
        if text and (len(rows) < MOST_ROWS or at < last):
            event = orjson.loads(text)
            tallies.count_call(found, event, at)
            hours.add_tokens(found, event.get("usage") or {}, at)
    return last - timedelta(microseconds=1) if len(rows) == MOST_ROWS else until


def _decisions(found: Tallies, after: datetime, until: datetime) -> datetime:
    rows = DecisionRecord.objects.made_between(after, until, MOST_ROWS)
    approvals = Approval.objects.select_related("run").only("requested_at", "run__imported_at")
    asked = approvals.in_bulk([row.approval_id for row in rows])
    for row in rows:
        approval = asked.get(row.approval_id)
        if approval is not None and row.source != NOBODY:
            waited = (row.decided_at - approval.waits_since).total_seconds()
            tallies.count_decision(found, row.decision, max(0.0, waited))
            hours.add_decision(found, max(0.0, waited), row.decided_at)
    return rows[-1].decided_at if len(rows) == MOST_ROWS else until
