"""The body of a chat-completions request. Pure.

Servers differ in what they take; what one has refused is a `Habit` and is left out from then on.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any

from runtime.providers.base import Message, ModelRequest, ToolOffer


class Habit(Enum):
    """How a server differs from the plain protocol."""

    NO_STREAM_OPTIONS = "it refuses stream_options, so it counts no tokens while streaming"
    NO_STREAM = "it does not stream"
    NEW_TOKEN_LIMIT = "it wants max_completion_tokens instead of max_tokens"  # noqa: S105 - not a secret


def payload(request: ModelRequest, habits: frozenset[Habit]) -> bytes:
    """UTF-8 JSON; a character that UTF-8 cannot hold becomes a question mark."""
    body: dict[str, Any] = {"model": request.model, "messages": [_message(m) for m in request.messages]}
    if request.stream and Habit.NO_STREAM not in habits:
        body["stream"] = True
        if Habit.NO_STREAM_OPTIONS not in habits:
            body["stream_options"] = {"include_usage": True}
    else:
        body["stream"] = False
    if request.tools:
        body["tools"] = [_tool(offer) for offer in request.tools]
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_output_tokens is not None:
        newer = Habit.NEW_TOKEN_LIMIT in habits
        body["max_completion_tokens" if newer else "max_tokens"] = request.max_output_tokens
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def learn(status: int, refusal: bytes, request: ModelRequest, habits: frozenset[Habit]) -> Habit | None:
    """The habit that an error answer tells of, None when it is about something else or already known."""
    if status not in (400, 404, 415, 422, 501):
        return None
    said = refusal.decode("utf-8", "replace").lower()
    found = None
    if "stream_options" in said or "include_usage" in said:
        found = Habit.NO_STREAM_OPTIONS
    elif request.max_output_tokens is not None and "max_completion_tokens" in said:
        found = Habit.NEW_TOKEN_LIMIT
    elif re.search(r"\bstream(ing|ed)?\b", said) and re.search(
        r"not (be )?support|unsupported|not allowed|must be false", said
    ):
        found = Habit.NO_STREAM
    applies = request.stream or found is Habit.NEW_TOKEN_LIMIT
    return found if applies and found not in habits else None


def _message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        # Beside calls, "no text" is null in the protocol; some servers refuse an empty text there.
        wire["content"] = message.content or None
        wire["tool_calls"] = [
            {
                "id": c.id,
                "type": "function",
                "function": {"name": c.name, "arguments": _arguments(c.arguments)},
            }
            for c in message.tool_calls
        ]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _arguments(text: str) -> str:
    # Several servers parse the arguments of earlier calls and fail for ever on broken ones. The model still
    # sees what it wrote, and the tool message that follows says what was wrong with it.
    try:
        if isinstance(json.loads(text), dict):
            return text
    except (ValueError, RecursionError):
        pass
    return json.dumps({"malformed_arguments": text}) if text.strip() else "{}"


def _tool(offer: ToolOffer) -> dict[str, Any]:
    function = {"name": offer.name, "description": offer.description, "parameters": dict(offer.parameters)}
    return {"type": "function", "function": function}
