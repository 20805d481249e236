"""Takes the samples, in a worker: one of all the workers at a time, by turns that a row gives."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection

from runtime import log
from runtime.journal.health import keep_report, take_turn
from runtime.models import HealthReport, HealthSample
from runtime.upkeep.health import limits
from runtime.upkeep.health.counting import brought_up
from runtime.upkeep.health.looks import Scene, verdicts
from runtime.upkeep.health.settling import Report, settle, troubles
from runtime.upkeep.health.verdicts import Status

logger = logging.getLogger(__name__)


class Sampler:
    """One per worker; remembers only that the database could not be written."""

    def __init__(self) -> None:
        self._refused: list[datetime] = []

    def sample(self, now: datetime) -> bool:
        """Takes a sample when it is this worker's turn; False when it is not, or nothing can be written."""
        try:
            row = take_turn(now, limits.of_health().sample_seconds)
            if row is None:
                return False
            self._sample(row, now)
        except DatabaseError as error:
            self._note_refusal(now, error)
            return False
        return True

    def _sample(self, row: HealthReport, now: datetime) -> None:
        health = limits.of_health()
        counted = brought_up(row.tallies, now, health.provider_window_seconds)
        report = settle(row.report, verdicts(Scene(now, health, counted)), now)
        samples = self._outage(row)
        values: dict[str, Any] = {"report": report, "tallies": counted, "sampled_at": now}
        due = row.stored_at is None or now - row.stored_at >= timedelta(seconds=health.store_seconds)
        if samples or due or troubles(row.report) != troubles(report):
            samples.append(HealthSample(sampled_at=now, status=report["status"], troubles=troubles(report)))
            values["stored_at"] = now
        if keep_report(row, samples, **values):
            self._refused.clear()
            _say(row.report, report)

    def _outage(self, row: HealthReport) -> list[HealthSample]:
        """A time when nothing could be written belongs to the history; whoever writes first again adds it."""
        if len(self._refused) < 2 or (row.sampled_at and row.sampled_at > self._refused[0]):
            return []
        seen = {"database": Status.UNHEALTHY.value}
        times = (self._refused[0], self._refused[-1])
        return [HealthSample(sampled_at=time, status=Status.UNHEALTHY.value, troubles=seen) for time in times]

    def _note_refusal(self, now: datetime, error: DatabaseError) -> None:
        if not self._refused:
            logger.warning("The health could not be sampled: %s", log.first_line(error))
        self._refused = [*self._refused[:1], now]
        connection.close()


def _say(before: Report, after: Report) -> None:
    """One line in the log for each check whose status changed."""
    held = {check["name"]: check["status"] for check in before.get("checks", [])}
    for check in after["checks"]:
        old = held.get(check["name"], Status.UNKNOWN)
        if old == check["status"] or {old, check["status"]} == {Status.UNKNOWN, Status.HEALTHY}:
            continue
        level = logging.INFO if check["status"] == Status.HEALTHY else logging.WARNING
        logger.log(level, "Health of %s is %s: %s", check["name"], check["status"], check["reason"])
