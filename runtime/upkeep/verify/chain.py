"""The chain of a run's events: each one hashed over its predecessor, without a gap, and in its own place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from runtime.events import EventType, iso
from runtime.models import Run
from runtime.upkeep.verify.story import Row, Story

Body = Mapping[str, Any]
#: After which events text may follow.
_STREAMS = {
    EventType.MODEL_STARTED: True,
    EventType.MODEL_RETRIED: False,
    EventType.MODEL_COMPLETED: False,
    EventType.MODEL_FAILED: False,
}


def chain_problem(run: Run, events: Iterable[Row], story: Story) -> str:
    """What is wrong with a run's events or with what its row says of them; empty when nothing is. The story
    hears them."""
    previous, count, streams = b"", 0, False
    for event in events:
        count += 1
        body: Body = orjson.loads(event["event_json"] or "{}") if _is_sound(event, previous) else {}
        problem = _link_problem(run, event, count, body, streams=streams)
        if problem:
            return problem
        previous = bytes(event["hash"])
        if body:
            story.hear(body)
            streams = _STREAMS.get(body["type"], streams)
    if count != run.last_sequence or previous != bytes(run.last_hash):
        return f"the row counts {run.last_sequence} events, {count} are there."
    return ""


def imported_problem(run: Run, events: Iterable[Row], story: Story) -> str:
    """The same for a run that was brought along: its events may have gaps and other words, so that they are
    held to their order and to the chain that was laid over them as they came. The story hears what was
    written here."""
    last, previous = -1, b""
    for event in events:
        told = event["event_json"] or not run.is_terminal
        if told and not _is_hashed(event, previous):
            return f"event {event['sequence']} is not what was brought along, or one before it is not."
        last, previous = event["sequence"], bytes(event["hash"])
        body = orjson.loads(event["event_json"] or "{}")
        if isinstance(body, dict) and _is_in_place(run, event, body):
            story.hear(body)
    if last != (run.last_sequence if previous else -1) or previous != bytes(run.last_hash):
        return f"the row's last event is {run.last_sequence}, the last one there is {last}."
    return ""


def _is_hashed(event: Row, previous: bytes) -> bool:
    return hashlib.sha256(previous + event["event_json"].encode()).digest() == bytes(event["hash"])


def _is_sound(event: Row, previous: bytes) -> bool:
    """Whether its payload can be read: it is what was written, unless maintenance has emptied it."""
    return bool(event["event_json"]) and _is_hashed(event, previous)


def _link_problem(run: Run, event: Row, expected: int, body: Body, *, streams: bool) -> str:
    """What is wrong with one event of the chain; empty when nothing is."""
    if event["sequence"] != expected:
        return f"event {expected} is missing (event {event['sequence']} follows {expected - 1})."
    if not event["event_json"]:
        # What it was is not hashed with the payload gone: text is streamed during a model call alone.
        emptied = event["type"] == EventType.OUTPUT_DELTA and run.is_terminal and streams
        return "" if emptied else f"event {expected} has lost its payload."
    if not body:
        return f"event {expected} is not what was written, or one before it is not."
    if not _is_in_place(run, event, body):
        return f"event {expected} stands in a place that is not its own."
    return ""


def _is_in_place(run: Run, event: Row, body: Body) -> bool:
    """Whether the event says of itself what its row says. One that was brought along does not."""
    said = [body.get(name) for name in ("thread_id", "run_id", "sequence", "type", "timestamp")]
    there = [run.thread_id, run.run_id, event["sequence"], event["type"], iso(event["created_at"])]
    return said == there and event["thread_id"] == run.thread_id
