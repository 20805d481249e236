"""The event vocabulary."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runtime.events import PAYLOADS, EventType, UnknownPayload, check_payload, iso, move_event
from runtime.lifecycle import RUN_MOVES


def test_it_knows_the_fields_of_every_type() -> None:
    assert set(PAYLOADS) == set(EventType)


def test_it_gives_every_move_an_event_with_from_and_to() -> None:
    for old, targets in RUN_MOVES.items():
        for new in targets:
            assert {"from", "to", "reason"} <= PAYLOADS[move_event(old, new)]


def test_it_refuses_a_field_that_the_type_does_not_carry() -> None:
    with pytest.raises(UnknownPayload, match="colour"):
        check_payload(EventType.OUTPUT_DELTA, {"text": "a", "colour": "red"})


def test_it_writes_times_in_utc_with_z() -> None:
    assert iso(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == "2026-01-02T03:04:05.000006Z"
