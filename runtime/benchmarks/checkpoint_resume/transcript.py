"""A run with a transcript of a given length: made in one go, then continued as the engine does."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction

from runtime import access, actions, journal
from runtime.engine import steps
from runtime.engine.context import Context
from runtime.engine.transcript import build, fit, room
from runtime.events import EventType
from runtime.lifecycle import CallState
from runtime.models import Checkpoint, Event, Run, ThreadMessage, ToolCall
from runtime.models.base import new_id
from runtime.models.message import checkpoint_ref
from runtime.providers import Message

OWNER = "benchmark"
MOST_HELD = 1_000_000
RESULT = "A line of the file, as tools return them: some words, and then some more words.\n" * 4
RAW = '{"path": "notes/release.md"}'
BATCH = 2_000

Row = TypeVar("Row", ThreadMessage, ToolCall, Event)


@dataclass
class Transcript:
    """A run that this process holds."""

    run_id: str
    lease: journal.Lease


def make(messages: int) -> Transcript:
    """A running run whose transcript has (about) so many messages, its last call answered."""
    run = actions.start_run(access.command(), "read the notes, one by one", agent="direct")
    made = Transcript(run.run_id, _claim(run.run_id))
    step(made)
    with transaction.atomic():
        _repeat_last_step(run.run_id, messages // 2 - 2)
    return made


def _claim(run_id: str) -> journal.Lease:
    lease = journal.claim(run_id, OWNER, slots=MOST_HELD, lease_seconds=settings.LEASE_SECONDS)
    assert lease is not None
    return lease


def _repeat_last_step(run_id: str, times: int) -> None:
    """Copies of the rows of the one step that was taken, numbered on: as if it had been taken so often."""
    run = Run.objects.get(pk=run_id)
    said, result = ThreadMessage.objects.filter(run=run).order_by("id")[1:]
    call = ToolCall.objects.get(run=run)
    notes = list(Event.objects.of_run(run_id, run.last_sequence - 4))
    for begin in range(0, times, BATCH):
        numbers = range(begin, min(begin + BATCH, times))
        replies = [_copy(said) for _ in numbers]
        results = [_copy(result) for _ in numbers]
        pairs = [message for pair in zip(replies, results, strict=True) for message in pair]
        ThreadMessage.objects.bulk_create(pairs)
        ToolCall.objects.bulk_create(
            _copy(call, tool_call_id=new_id(), message=reply, turn=run.turns + number + 1)
            for number, reply in zip(numbers, replies, strict=True)
        )
        Checkpoint.objects.bulk_create(
            _checkpoint(run, run.steps + 2 * begin + place, message) for place, message in enumerate(pairs, 1)
        )
        Event.objects.bulk_create(
            _copy(note, sequence=note.sequence + 4 * (number + 1)) for number in numbers for note in notes
        )
    total = run.steps + 2 * times
    Run.objects.filter(pk=run_id).update(
        turns=run.turns + times,
        steps=total,
        last_sequence=run.last_sequence + 4 * times,
        checkpoint_ref=checkpoint_ref(run_id, total),
    )


def _copy(row: Row, **values: Any) -> Row:
    """The same once more, under a key of its own."""
    same = {field.name: getattr(row, field.name) for field in row._meta.concrete_fields}
    return type(row)(**{**same, row._meta.pk.name: None, **values})


def _checkpoint(run: Run, number: int, message: ThreadMessage) -> Checkpoint:
    return Checkpoint(
        checkpoint_ref=checkpoint_ref(run.run_id, number),
        thread_id=run.thread_id,
        run_id=run.run_id,
        step=number,
        kind="reply" if message.role == "assistant" else "result",
        message_id=message.pk,
        created_at=message.created_at,
    )


def step(transcript: Transcript) -> float:
    """The entries of one model call and its tool call; the seconds that they took."""
    lease = transcript.lease
    began = time.perf_counter()
    with journal.entry(lease.run_id, lease, durable=False) as entry:
        call = entry.run.turns + 1
        entry.note(EventType.MODEL_STARTED, call=call, model="benchmark", attempt=1)
    with journal.entry(lease.run_id, lease) as entry:
        entry.set(turns=call, input_tokens=1000 * call, output_tokens=20 * call)
        said = {"text": "", "tool_calls": [{"id": f"call_{call}", "name": "read_file", "arguments": RAW}]}
        message = entry.message("assistant", said, step="reply")
        entry.note(
            EventType.MODEL_COMPLETED,
            call=call,
            model="benchmark",
            attempt=1,
            usage={"input_tokens": 1000, "output_tokens": 20},
            finish_reason="tool_calls",
            tool_calls=1,
        )
        journal.propose(entry, message, [_gated(call)])
    asked = ToolCall.objects.get(run_id=lease.run_id, turn=call)
    with journal.entry(lease.run_id, lease) as entry:
        started = journal.start(
            entry, journal.call_of(entry.run.run_id, asked.tool_call_id), worker=lease.owner
        )
    with journal.entry(lease.run_id, lease) as entry:
        journal.finish(entry, started, text=RESULT, duration_ms=1)
    return time.perf_counter() - began


def _gated(call: int) -> journal.GatedCall:
    return journal.GatedCall(
        provider_call_id=f"call_{call}",
        tool_name="read_file",
        tool_version="1",
        raw_arguments=RAW,
        arguments={"path": "notes/release.md"},
        state=CallState.GRANTED,
        rule="reading is free",
    )


def resume(transcript: Transcript) -> float:
    """What the engine does before it asks the model, after a claim; the seconds that it took."""
    journal.hand_back(transcript.lease, "the benchmark lets it go")
    began = time.perf_counter()
    transcript.lease = _claim(transcript.run_id)
    context = Context(transcript.run_id, threading.Event())
    with journal.entry(transcript.run_id, transcript.lease) as entry:
        assert isinstance(steps.next_step(context.situation(entry)), steps.CallModel)
    _transcript(context)
    return time.perf_counter() - began


def read(transcript: Transcript) -> float:
    """The last part of that alone: the messages as the model is sent them."""
    context = Context(transcript.run_id, threading.Event())
    began = time.perf_counter()
    _transcript(context)
    return time.perf_counter() - began


def _transcript(context: Context) -> None:
    agent = context.agent
    system, tools = Message("system", agent.instructions), agent.offers()
    asked = fit(build(context.rows()), room(agent.context_window, agent.max_output_tokens, system, tools))
    assert asked
