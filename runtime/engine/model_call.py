"""The step that asks the model: mark, stream, record."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from runtime import journal
from runtime.engine import endings
from runtime.engine.context import Context
from runtime.engine.gating import gate_calls
from runtime.engine.steps import CallModel
from runtime.engine.streamed_text import StreamedText, note_text
from runtime.engine.transcript import build, fit, room
from runtime.events import EventType, iso
from runtime.faults import Point, reach
from runtime.lifecycle import RunState, Why
from runtime.providers import MOST_TOKENS, Message, ModelRequest, ProviderError, Reply, TextPiece, retry


@dataclass(frozen=True, slots=True)
class _Accepted:
    reply: Reply
    calls: list[journal.GatedCall]


@dataclass(frozen=True, slots=True)
class _Refused:
    reply: Reply
    why: endings.Refusal


class ModelCall:
    """An Effect: one try of one model call."""

    def __init__(self, context: Context, call: int, attempt: int) -> None:
        self._context = context
        self._call = call
        self._attempt = attempt
        self._text = StreamedText(context, call)
        self._rest = ""
        self._duration_ms = 0
        self._came: _Accepted | _Refused | ProviderError
        self._tries_again = False

    @classmethod
    def begin(cls, context: Context, entry: journal.Entry, step: CallModel) -> ModelCall:
        """Marks the call."""
        attempt = entry.run.model_attempts + 1
        entry.note(EventType.MODEL_STARTED, call=step.call, model=context.agent.model, attempt=attempt)
        return cls(context, step.call, attempt)

    def run(self) -> None:
        """See Effect."""
        reach(Point.MODEL_MARKED)
        began = time.monotonic()
        try:
            self._came = self._judged(_without_secrets(_listen(self._context, self._text), self._context))
            reach(Point.REPLY_RECEIVED)
        except ProviderError as error:
            self._came = error
        self._duration_ms = round((time.monotonic() - began) * 1000)
        self._rest = self._text.rest(broken=isinstance(self._came, ProviderError))

    def record(self, entry: journal.Entry) -> None:
        """One entry: the reply, its gated calls, and where the run goes from there; or the failure."""
        match self._came:
            case _Accepted(reply, calls):
                self._record_reply(entry, reply, calls)
            case _Refused(reply, why):
                self._record_refusal(entry, reply, why)
            case error:
                self._record_failure(entry, error)

    def recorded(self) -> None:
        """See Effect."""
        if not isinstance(self._came, ProviderError):
            reach(Point.REPLY_COMMITTED)
        elif self._tries_again:
            reach(Point.MODEL_RETRIED)
        else:
            reach(Point.MODEL_FAILED)

    def _judged(self, reply: Reply) -> _Accepted | _Refused:
        agent = self._context.agent
        refused = endings.refusal(
            reply,
            most_calls=agent.limits.tool_calls_per_reply,
            max_output_tokens=agent.max_output_tokens,
            first=self._call == 1,
        )
        if refused is not None:
            return _Refused(reply, refused)
        return _Accepted(reply, gate_calls(reply.tool_calls, agent, cut=endings.is_cut(reply)))

    def _record_reply(self, entry: journal.Entry, reply: Reply, calls: list[journal.GatedCall]) -> None:
        note_text(entry, self._call, self._rest)
        facts = self._facts(reply_model=reply.model, usage=_usage(entry, reply))
        entry.set(turns=entry.run.turns + 1)
        message = entry.message("assistant", _content(reply, calls), step="reply")
        entry.note(
            EventType.MODEL_COMPLETED,
            **facts,
            finish_reason=reply.finish_reason,
            tool_calls=len(calls),
            message_digest=message.digest,
        )
        waiting = journal.propose(entry, message, calls)
        if not calls:
            said = Why.ANSWERED if reply.text.strip() else Why.UNCLOSED
            entry.end(RunState.COMPLETED, said, output=reply.text if reply.text.strip() else "")
        elif waiting:
            entry.move(RunState.WAITING_FOR_APPROVAL, _asked(waiting))

    def _record_refusal(self, entry: journal.Entry, reply: Reply, why: endings.Refusal) -> None:
        """The run fails; what was said is kept: a person reads it, and the thread can go on from it."""
        note_text(entry, self._call, self._rest)
        facts = self._facts(usage=_usage(entry, reply), error=why.error)
        if reply.text.strip():
            message = entry.message("assistant", {"text": reply.text}, step="reply")
            facts["message_digest"] = message.digest
        entry.note(EventType.MODEL_FAILED, **facts)
        entry.end(RunState.FAILED, why.reason, output=reply.text or None, error=why.error)

    def _record_failure(self, entry: journal.Entry, error: ProviderError) -> None:
        """Retries, parks or fails, as the policy says."""
        agent = self._context.agent
        sentence = agent.redactor.text(error.sentence, patterns=True)
        verdict = retry.next_attempt(error, self._attempt, self._text.any, agent.retry, random.random)
        facts = self._facts(error=sentence, fault=error.fault, status=error.status)
        entry.set(model_attempts=self._attempt, fault=error.fault)
        if isinstance(verdict, retry.GiveUp):
            note_text(entry, self._call, self._rest)
            entry.note(EventType.MODEL_FAILED, **facts)
            entry.end(RunState.FAILED, Why.MODEL_FAILED, error=_explain(sentence, verdict.reason))
            return
        self._tries_again = True
        next_try = entry.now + timedelta(seconds=verdict.wait_seconds)
        entry.note(EventType.MODEL_RETRIED, **facts, next_try_at=iso(next_try))
        if verdict.wait_seconds > agent.hold_seconds:
            entry.move(RunState.QUEUED, Why.NEXT_TRY, next_try_at=next_try)
        else:
            self._context.pause = verdict.wait_seconds

    def _facts(self, **more: Any) -> dict[str, Any]:
        return {
            "call": self._call,
            "model": self._context.agent.model,
            "attempt": self._attempt,
            "duration_ms": self._duration_ms,
            **more,
        }


def _request(context: Context) -> ModelRequest:
    agent = context.agent
    system, tools = Message("system", agent.instructions), agent.offers()
    left = room(agent.context_window, agent.max_output_tokens, system, tools)
    return ModelRequest(
        model=agent.model,
        messages=(system, *fit(build(context.rows()), left)),
        tools=tools,
        temperature=agent.temperature,
        max_output_tokens=agent.max_output_tokens,
        stream=agent.stream,
    )


def _listen(context: Context, text: StreamedText) -> Reply:
    """Streams the call; text is noted as it comes. Raises ProviderError, Fenced or Stopping."""
    stream = context.agent.provider().stream(_request(context))
    journal.release()  # a model is slow, and connections are few
    try:
        for item in stream:
            context.held.check()
            if isinstance(item, Reply):
                return item
            if isinstance(item, TextPiece):
                reach(Point.MODEL_STREAMING)
                text.add(item.text)
            text.flush_when_due()
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()  # drops the connection at once when we leave early
    raise AssertionError("A provider's stream ended without a reply.")


def _without_secrets(reply: Reply, context: Context) -> Reply:
    """Calls are left to the gate, which refuses those that hold one."""
    clean = context.agent.redactor.text
    return replace(
        reply,
        text=clean(reply.text),
        finish_reason=clean(reply.finish_reason),
        model=clean(reply.model),
    )


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
        input_tokens=min(entry.run.input_tokens + reply.usage.input_tokens, MOST_TOKENS),
        output_tokens=min(entry.run.output_tokens + reply.usage.output_tokens, MOST_TOKENS),
    )
    return {"input_tokens": reply.usage.input_tokens, "output_tokens": reply.usage.output_tokens}


def _explain(sentence: str, reason: str) -> str:
    return f"{sentence} ({reason})" if reason and reason not in sentence else sentence
