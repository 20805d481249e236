"""Event rows: every type has words, hostile events stay inside their row."""

from __future__ import annotations

import pytest
from django.utils import timezone

from runtime.events import PAYLOADS, EventType, iso
from runtime.web.rows import render_row


@pytest.mark.parametrize("kind", list(EventType))
def test_it_has_words_for_every_type(kind: EventType) -> None:
    row = render_row({"type": kind.value, "sequence": 3, "timestamp": "2026-01-02T03:04:05.000000Z"})
    assert f"<strong>{kind.value}</strong>" not in row
    assert 'id="e-3"' in row
    assert 'datetime="2026-01-02T03:04:05.000000Z"' in row


@pytest.mark.parametrize("kind", list(EventType))
@pytest.mark.parametrize("value", ["</li><script>\n\u202e", 7, None, ["<b>"], {"a": ["<b>"]}, True])
def test_it_keeps_hostile_values_in_their_row(kind: EventType, value: object) -> None:
    row = render_row(
        {"type": kind.value, "sequence": 1, "timestamp": "x", **dict.fromkeys(PAYLOADS[kind], value)}
    )
    assert row.count("<li") == row.count("</li>") == 1
    assert "<script" not in row
    assert "<b>" not in row
    assert "\n" not in row
    assert "\u202e" not in row


def test_it_survives_an_event_of_another_time() -> None:
    assert "&lt;odd&gt;" in render_row({"type": "<odd>", "sequence": 1})


def test_it_takes_a_time_without_a_zone_as_utc() -> None:
    row = render_row({"type": "run.queued", "sequence": 1, "timestamp": "2024-01-02T03:04:05"})
    assert 'datetime="2024-01-02T03:04:05.000000Z" data-form="seconds"' in row
    assert ">2024-01-02 03:04:05 UTC</time>" in row


def test_it_tells_a_time_of_today_to_the_second() -> None:
    now = iso(timezone.now())
    row = render_row({"type": "run.queued", "sequence": 1, "timestamp": now})
    assert f">{now[11:19]} UTC</time>" in row


@pytest.mark.parametrize("kind", ["tool.completed", "tool.failed", "run.created"])
def test_it_survives_what_is_nested_deeply(kind: str) -> None:
    result: list[object] = []
    for _ in range(1020):  # an event that was brought along may be so deep
        result = [result]
    row = render_row({"type": kind, "sequence": 1, "result": result, "agent_id": [result]})
    assert "nested too deep" in row


def test_it_says_how_much_of_a_result_is_left_out() -> None:
    row = render_row({"type": "tool.completed", "sequence": 1, "result": "y" * 1000})
    assert "(+760 characters)" in row


def test_it_says_a_list_in_words() -> None:
    cancelled = {"type": "run.cancel.requested", "sequence": 1, "requested_by": "olga"}
    assert "stopped: one, two<" in render_row({**cancelled, "stopped": ["one", "two"]})
    assert "stopped" not in render_row({**cancelled, "stopped": []})
