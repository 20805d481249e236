"""A report from verdicts: a status changes when two samples in a row say so. Pure.

A report is JSON: `{"status", "checks": [{name, status, critical, reason, value, unit, since}]}` and
`candidates`: the statuses that were seen once (check → status).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runtime.events import iso
from runtime.upkeep.health.verdicts import BY_NAME, RANK, Status, Verdict

Report = dict[str, Any]


def settle(before: Mapping[str, Any], verdicts: Mapping[str, Verdict], now: datetime) -> Report:
    """The report after a sample. The first one of all holds at once."""
    held = {check["name"]: check for check in before.get("checks", [])}
    seen_once = before.get("candidates", {})
    report: Report = {"status": "", "checks": [], "candidates": {}}
    for name, verdict in verdicts.items():
        old = held.get(name)
        changes = old is not None and verdict.status != old["status"]
        if old is not None and changes and seen_once.get(name) != verdict.status:
            report["candidates"][name] = verdict.status.value
            report["checks"].append(old)
        else:
            since = old["since"] if old is not None and not changes else iso(now)
            report["checks"].append(said(name, verdict, since))
    report["status"] = overall(report).value
    return report


def said(name: str, verdict: Verdict, since: str) -> dict[str, Any]:
    """One check of a report."""
    check = BY_NAME[name]
    return {
        "name": name,
        "status": verdict.status.value,
        "critical": check.critical,
        "reason": verdict.reason,
        "value": verdict.value,
        "unit": check.unit,
        "since": since,
    }


def overall(report: Mapping[str, Any]) -> Status:
    """The worst critical status; unknown counts as healthy."""
    found = [Status(check["status"]) for check in report["checks"] if check["critical"]]
    worst = max(found, key=lambda status: RANK[status], default=Status.HEALTHY)
    return Status.HEALTHY if worst is Status.UNKNOWN else worst


def troubles(report: Mapping[str, Any]) -> dict[str, str]:
    """The checks that are not as they should be: name → status."""
    return {
        check["name"]: check["status"]
        for check in report.get("checks", [])
        if RANK[Status(check["status"])] > RANK[Status.HEALTHY]
    }
