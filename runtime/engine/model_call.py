"""The step that asks the model: mark, stream, record."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime import journal
from runtime.engine.context import Context
from runtime.engine.gating import gate_calls
from runtime.engine.steps import CallModel
from runtime.engine.transcript import build, fit
from runtime.events import EventType, iso
from runtime.lifecycle import RunState
from runtime.providers import Message, ModelRequest, ProviderError, Reply, TextPiece, retry

FLUSH_SECONDS = 0.1
DELTA_CHARACTERS = 16_000  #: an event stays far below its limit however the text is escaped
LOOK_SECONDS = 0.1


def call_model(context: Context, step: CallModel) -> bool:
    """Makes one model call. True: the run goes on at once; False: it is parked or has ended."""
    attempt = _mark(context, step)
    text = _Text(context, step.call)
    try:
        reply = _without_secrets(_listen(context, text), context)
    except ProviderError as error:
        return _failed(context, step, error, attempt, text)
    return _record(context, step, reply, attempt, text)


def _without_secrets(reply: Reply, context: Context) -> Reply:
    """Calls are left to the gate, which refuses those that hold one."""
    clean = context.agent.redactor.text
    return replace(
        reply,
        text=clean(reply.text),
        finish_reason=clean(reply.finish_reason),
        model=clean(reply.model),
    )


def _mark(context: Context, step: CallModel) -> int:
    # Not synced: if this note is lost with the power, so is the call.
    with context.entry(durable=False) as entry:
        attempt = entry.run.model_attempts + 1
        entry.note(EventType.MODEL_STARTED, call=step.call, model=context.agent.model, attempt=attempt)
    return attempt


def _request(context: Context) -> ModelRequest:
    agent = context.agent
    transcript = fit(build(context.rows()), agent.context_window - (agent.max_output_tokens or 0))
    return ModelRequest(
        model=agent.model,
        messages=(Message("system", agent.instructions), *transcript),
        tools=agent.offers(),
        temperature=agent.temperature,
        max_output_tokens=agent.max_output_tokens,
        stream=agent.stream,
    )


def _listen(context: Context, text: _Text) -> Reply:
    """Streams the call; text is noted as it comes. Raises ProviderError, Fenced or Stopping."""
    stream = context.agent.provider().stream(_request(context))
    journal.release()  # a model is slow, and connections are few
    try:
        for item in stream:
            context.held.check()
            if isinstance(item, Reply):
                return item
            if isinstance(item, TextPiece):
                text.add(item.text)
            text.flush_when_due()
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()  # drops the connection at once when we leave early
    raise AssertionError("A provider's stream ended without a reply.")


class _Text:
    """Streamed text on its way into events: the first piece at once, then at most one entry every 0.1 s.

    An end that may become a secret with the next piece waits for it.
    """

    def __init__(self, context: Context, call: int) -> None:
        self._context = context
        self._call = call
        self._pending: list[str] = []
        self._stream = context.agent.redactor.stream()
        self._flushed = 0.0
        self.any = False

    def add(self, piece: str) -> None:
        self._pending.append(piece)
        self.any = self.any or bool(piece)

    def flush_when_due(self) -> None:
        now = time.monotonic()
        if self._pending and now - self._flushed >= FLUSH_SECONDS:
            text = self._take()
            if text:
                with self._context.entry(durable=False) as entry:
                    self._note(entry, text)
                journal.release()
            self._flushed = now

    def note_rest(self, entry: journal.Entry, *, broken: bool = False) -> None:
        """Notes all that is left as part of an entry; `broken` when more was to come."""
        self._note(entry, self._take() + self._stream.rest(broken=broken))

    def _take(self) -> str:
        text = self._stream.add("".join(self._pending))
        self._pending.clear()
        return text

    def _note(self, entry: journal.Entry, text: str) -> None:
        for begin in range(0, len(text), DELTA_CHARACTERS):
            piece = text[begin : begin + DELTA_CHARACTERS]
            entry.note(EventType.OUTPUT_DELTA, text=piece, call=self._call)


def _record(context: Context, step: CallModel, reply: Reply, attempt: int, text: _Text) -> bool:
    """One entry: the reply, its gated calls, and where the run goes from there."""
    limit = context.agent.limits.tool_calls_per_reply
    if len(reply.tool_calls) > limit:
        return _too_many_calls(context, step, reply, limit, text)
    gated = gate_calls(reply.tool_calls, context.agent)
    with context.entry() as entry:
        text.note_rest(entry)
        usage = _usage(entry, reply)
        entry.set(turns=entry.run.turns + 1)
        message = entry.message("assistant", _content(reply, gated), step="reply")
        entry.note(
            EventType.MODEL_COMPLETED,
            call=step.call,
            model=reply.model or context.agent.model,
            attempt=attempt,
            usage=usage,
            finish_reason=reply.finish_reason,
            tool_calls=len(gated),
        )
        waiting = journal.propose(entry, message, gated)
        if not gated:
            entry.end(RunState.COMPLETED, "the model answered", output=reply.text)
            return False
        if waiting:
            entry.move(RunState.WAITING_FOR_APPROVAL, _asked(waiting))
            return False
    return True


def _asked(waiting: int) -> str:
    return "1 tool call waits for a decision" if waiting == 1 else f"{waiting} tool calls wait for decisions"


def _content(reply: Reply, gated: list[journal.GatedCall]) -> dict[str, Any]:
    calls = [
        {"id": call.provider_call_id, "name": call.tool_name, "arguments": call.raw_arguments}
        for call in gated
    ]
    return {"text": reply.text, **({"tool_calls": calls} if calls else {})}


def _usage(entry: journal.Entry, reply: Reply) -> dict[str, int] | None:
    if reply.usage is None:
        return None
    entry.set(
        input_tokens=entry.run.input_tokens + reply.usage.input_tokens,
        output_tokens=entry.run.output_tokens + reply.usage.output_tokens,
    )
    return {"input_tokens": reply.usage.input_tokens, "output_tokens": reply.usage.output_tokens}


def _too_many_calls(context: Context, step: CallModel, reply: Reply, limit: int, text: _Text) -> bool:
    error = (
        f"The model asked for {len(reply.tool_calls)} tool calls in one reply; the limit is {limit} "
        "(spec.limits.tool_calls_per_reply in workspace.yaml). None of them was run."
    )
    with context.entry() as entry:
        text.note_rest(entry)
        usage = _usage(entry, reply)
        entry.note(
            EventType.MODEL_FAILED, call=step.call, model=context.agent.model, error=error, usage=usage
        )
        entry.end(RunState.FAILED, "too many tool calls in one reply", error=error)
    return False


def _failed(context: Context, step: CallModel, error: ProviderError, attempt: int, text: _Text) -> bool:
    """Retries, parks or fails, as the policy says."""
    agent = context.agent
    sentence = agent.redactor.text(error.sentence, patterns=True)
    verdict = retry.next_attempt(error, attempt, text.any, agent.retry, random.random)
    facts: dict[str, Any] = {
        "call": step.call,
        "model": agent.model,
        "attempt": attempt,
        "error": sentence,
    }
    if isinstance(verdict, retry.GiveUp):
        with context.entry() as entry:
            text.note_rest(entry, broken=True)
            entry.note(EventType.MODEL_FAILED, **facts)
            entry.end(RunState.FAILED, "the model call failed", error=_explain(sentence, verdict.reason))
        return False
    next_try = datetime.now(UTC) + timedelta(seconds=verdict.wait_seconds)
    park = verdict.wait_seconds > agent.hold_seconds
    with context.entry() as entry:
        entry.set(model_attempts=attempt)
        entry.note(EventType.MODEL_RETRIED, **facts, next_try_at=iso(next_try))
        if park:
            entry.move(RunState.QUEUED, "waits for the next try of the model call", next_try_at=next_try)
    if not park:
        _wait(context, verdict.wait_seconds)
    return not park


def _explain(sentence: str, reason: str) -> str:
    return f"{sentence} ({reason})" if reason and reason not in sentence else sentence


def _wait(context: Context, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        context.held.check()
        time.sleep(min(left, LOOK_SECONDS))
