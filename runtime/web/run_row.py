"""A run as a row of a list: from its columns, by one prepared text instead of a template for each row."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe

from runtime.diagnosis import Progress, progress
from runtime.web.tags import relative, state, thousands, time_tag
from runtime.web.text import show

COLUMNS = (
    "run_id", "title", "state", "agent_id", "requested_by", "updated_at", "input_tokens",
    "output_tokens", "fault", "next_try_at", "lease_until",
)  # fmt: skip
#: Facet → what the chip above the list and the row say.
FACETS: Mapping[Progress, str] = {
    Progress.MOVING: "Moving",
    Progress.PERSON: "Waiting for a person",
    Progress.PROVIDER: "Waiting for a provider",
    Progress.SLOT: "Waiting for a slot",
    Progress.CHILD: "Waiting for a subagent",
    Progress.LOST: "Lost its worker",
    Progress.DOUBT: "In doubt",
}
#: What the badge of the state does not say already.
_TELLING = {Progress.PROVIDER, Progress.SLOT, Progress.LOST}
_ROW = (
    '<li id="r-{id}"{classes}>{pick}<a class="item run-row" href="/runs/{address}/">'
    '<span class="title one-line" dir="auto">{title}</span><span class="meta">{waits}<span>{agent}</span>{by}'
    '{tokens}</span><span class="badge-cell">{badge}</span>'
    '<span class="ago">{ago}</span></a></li>'
)
_PICK = (
    '<label class="pick"><input type="checkbox" name="id" value="{id}" form="bulk">'
    '<span class="unseen">Select {title}</span></label>'
)


def run_row(row: Mapping[str, Any], now: datetime, lease_seconds: float, *, pick: bool) -> SafeString:
    """One `<li>`; with `pick`, a box to tick before it."""
    run_id, title = html.escape(row["run_id"]), show(row["title"] or "Run")
    made = _ROW.format(
        id=run_id,
        address=quote(row["run_id"]),
        classes=' class="with-pick"' if pick else "",
        pick=_PICK.format(id=run_id, title=title) if pick else "",
        title=title,
        agent=show(row["agent_id"]),
        by=f"<span>{show(row['requested_by'])}</span>" if row["requested_by"] else "",
        waits=_waits(row, now, lease_seconds),
        tokens=_tokens(row["input_tokens"] + row["output_tokens"]),
        badge=state(row["state"]),
        ago=time_tag(row["updated_at"], now),
    )
    return mark_safe(made)  # noqa: S308 - every part above is escaped or ours


def _tokens(count: int) -> str:
    """Nothing while none is known: a provider need not report them."""
    return f'<span class="tokens">{thousands(count)} tokens</span>' if count else ""


def _waits(row: Mapping[str, Any], now: datetime, lease_seconds: float) -> str:
    facet = progress(
        row["state"],
        fault=row["fault"],
        lease_until=row["lease_until"],
        now=now.timestamp(),
        lease_seconds=lease_seconds,
    )
    if facet not in _TELLING:
        return ""
    said = FACETS[facet].lower()
    if facet is Progress.PROVIDER and row["next_try_at"] and row["next_try_at"] > now:
        said += f", next try {relative(row['next_try_at'], now)}"
    return f'<span class="waits is-{facet}">{said}</span>'
