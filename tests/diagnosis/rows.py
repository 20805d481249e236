"""What the rows of runs say, in a house at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.diagnosis import Act, Asked, Cause, Facts, House, Worker
from runtime.lifecycle import Why

#: Facts, house, cause, sentence, act.
Situation = tuple[Facts, House, Cause, str, Act]
NOW = datetime(2026, 3, 1, 3, 14, 0, tzinfo=UTC)
HOUSE = House(moment=NOW, workers=2, slots=8, busy=3)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def ahead(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def facts(state: str, since: float = 3, **values: Any) -> Facts:
    return Facts(state=state, since=ago(since), created_at=ago(since + 12), **values)


def queued(since: float = 3, **values: Any) -> Facts:
    return facts("queued", since, **{"reason": Why.CREATED, "agent": "orchestra", **values})


def running(since: float = 12, **values: Any) -> Facts:
    worker = Worker(heartbeat_at=ago(5))
    alive = {"lease_owner": "w2", "lease_until": ahead(20), "worker": worker, "attempts": 1, "steps": 17}
    return facts("running", since, **{**alive, **values})


def failed(why: str, error: str, **values: Any) -> Facts:
    return facts("failed", reason=why, error=error, previous_state="running", **values)


ASKED = Asked("send_email", ago(41 * 60), ahead(6960))
LOST = {"lease_until": ago(330), "attempts": 1}
DID = "The provider answered 429 five times"
