"""The transcript that a model sees, built from the thread's messages. Pure.

Messages are append-only, so what changed after they were written is laid over them here: a reviewer's edit
stands in the place of the arguments the model sent, and a call that ended without a result (its run was
cancelled or failed) gets one that says so, because models refuse a transcript with unanswered calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime import canonical
from runtime.providers import CallRequest, Message, ToolOffer

NO_RESULT = "This call has no result: its run ended before the call did."
CHARACTERS_PER_TOKEN = 4  #: a rough estimate; providers count exactly and refuse what is too long
MESSAGE_OVERHEAD_TOKENS = 8
REPLY_PART = 8  #: one part in so many of the window is kept for a reply whose limit nobody set


@dataclass(frozen=True, slots=True)
class Row:
    """A stored message. `edits`: the model's call id -> arguments that replaced the model's own."""

    role: str
    content: Mapping[str, Any]
    edits: Mapping[str, str]


def build(rows: Iterable[Row]) -> list[Message]:
    """The messages in order, every call answered."""
    messages: list[Message] = []
    unanswered: dict[str, None] = {}
    for row in rows:
        if row.role != "tool":
            messages += _answers(unanswered)
            unanswered = {}
        if row.role == "assistant":
            calls = tuple(_call(item, row.edits) for item in row.content.get("tool_calls", ()))
            unanswered = dict.fromkeys(call.id for call in calls)
            text = str(row.content.get("text", ""))
            if text or calls:  # several servers refuse an assistant who said nothing
                messages.append(Message("assistant", text, calls))
        elif row.role == "tool":
            call_id = str(row.content.get("tool_call_id", ""))
            if call_id not in unanswered:
                continue  # brought along without its call, which no model would take
            del unanswered[call_id]
            messages.append(Message("tool", str(row.content.get("text", "")), tool_call_id=call_id))
        elif row.role == "user":
            messages.append(Message("user", str(row.content.get("text", ""))))
    return messages + _answers(unanswered)


def room(window_tokens: int, reply_tokens: int | None, system: Message, tools: Iterable[ToolOffer]) -> int:
    """How many tokens of the window are left for the transcript: the reply, the system message and what the
    model is told of the tools take their part first."""
    reply = window_tokens // REPLY_PART if reply_tokens is None else reply_tokens
    return window_tokens - reply - _tokens(system) - sum(_offer_tokens(tool) for tool in tools)


def fit(messages: Sequence[Message], window_tokens: int) -> list[Message]:
    """The newest messages that fit the window; cut only before a user message, so that no call loses its
    result. The last user message and what follows it always stay."""
    total = [_tokens(message) for message in messages]
    starts = [index for index, message in enumerate(messages) if message.role == "user"]
    if not starts:
        return list(messages)
    left = window_tokens
    first = starts[-1]
    for index in range(len(messages) - 1, -1, -1):
        left -= total[index]
        if left < 0:
            break
        if messages[index].role == "user" or index == 0:
            first = min(first, index)
    return list(messages[first:])


def _call(item: Mapping[str, Any], edits: Mapping[str, str]) -> CallRequest:
    call_id = str(item["id"])
    return CallRequest(call_id, str(item["name"]), edits.get(call_id, str(item["arguments"])))


def _answers(unanswered: Mapping[str, None]) -> list[Message]:
    return [Message("tool", NO_RESULT, tool_call_id=call_id) for call_id in unanswered]


def _offer_tokens(tool: ToolOffer) -> int:
    size = len(tool.name) + len(tool.description) + len(canonical.encode(dict(tool.parameters)))
    return size // CHARACTERS_PER_TOKEN + MESSAGE_OVERHEAD_TOKENS


def _tokens(message: Message) -> int:
    size = len(message.content) + sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
    return size // CHARACTERS_PER_TOKEN + MESSAGE_OVERHEAD_TOKENS
