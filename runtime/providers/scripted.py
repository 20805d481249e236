"""The embedded demonstration model: no network, no keys, no chance. The same transcript always gives the same
reply.

It understands a few plain requests (see demonstration/telling.py) and scripts (demonstration/script.py); the
product can be tried with it in a minute and tested with it without mocks. Pauses between words make its text
stream like a real model's; the base URL sets them: nothing for about 15 ms, `scripted://fast` for none,
`scripted://200ms` for that many milliseconds after each word.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator

from runtime.providers.base import (
    CallRequest,
    Message,
    Misconfigured,
    ModelRequest,
    Reply,
    TextPiece,
    Tick,
    Usage,
)
from runtime.providers.demonstration.conduct import next_turn

WORD_SECONDS = 0.015
TEXT_SECONDS = 6.0  # a long text is not drawn out beyond this, unless a pause was asked for
TICK_SECONDS = 0.1
MAX_PAUSE_MS = 60_000
CHARACTERS_PER_TOKEN = 4


class Scripted:
    """A Provider; see `providers.build`."""

    def __init__(self, base_url: str = "") -> None:
        """Raises Misconfigured for a base URL other than those above."""
        self._pause = _pause(base_url)

    def stream(self, request: ModelRequest) -> Iterator[TextPiece | Tick | Reply]:
        """See Provider."""
        turn = next_turn(request.messages, {offer.name for offer in request.tools})
        yield Tick()
        if request.stream:
            yield from self._spoken(turn.text)
        elif turn.text:
            yield TextPiece(turn.text)
        ids = _ids(request.messages)
        calls = tuple(CallRequest(f"{ids}_{n}", name, raw) for n, (name, raw) in enumerate(turn.calls, 1))
        usage = estimated_usage(request, turn.text, calls)
        reason = turn.finish_reason or ("tool_calls" if calls else "stop")
        yield Reply(turn.text, calls, usage, reason, request.model)

    def _spoken(self, text: str) -> Iterator[TextPiece | Tick]:
        words = re.findall(r"\s*\S+\s*", text) or ([text] if text else [])
        pause = min(WORD_SECONDS, TEXT_SECONDS / max(len(words), 1)) if self._pause is None else self._pause
        if not pause:
            words = [text] if text else []
        for word in words:
            yield TextPiece(word)
            left = pause
            while left > TICK_SECONDS:
                time.sleep(TICK_SECONDS)
                left -= TICK_SECONDS
                yield Tick()
            if left:
                time.sleep(left)


def estimated_usage(request: ModelRequest, text: str, calls: tuple[CallRequest, ...]) -> Usage:
    """An estimate, not a count: four characters are taken for a token."""
    read = sum(
        len(m.content) + sum(len(c.name) + len(c.arguments) for c in m.tool_calls) for m in request.messages
    )
    written = len(text) + sum(len(call.name) + len(call.arguments) for call in calls)
    return Usage(-(-read // CHARACTERS_PER_TOKEN), -(-written // CHARACTERS_PER_TOKEN))


def _ids(messages: tuple[Message, ...]) -> str:
    """What the ids of this turn's calls begin with: new with every message, the same after a crash."""
    seen = hashlib.sha256()
    for message in messages:
        parts = [
            message.role,
            message.content,
            message.tool_call_id or "",
            *(call.id for call in message.tool_calls),
        ]
        for part in parts:
            data = part.encode("utf-8", "replace")
            seen.update(len(data).to_bytes(8, "big") + data)
    return f"call_{seen.hexdigest()[:16]}"


def _pause(base_url: str) -> float | None:
    name = base_url.strip().removeprefix("scripted://").strip("/").lower()
    if not name:
        return None
    if name == "fast":
        return 0.0
    match = re.fullmatch(r"(\d{1,5})ms", name)
    if not match or int(match[1]) > MAX_PAUSE_MS:
        raise Misconfigured(
            "The base URL of the embedded demonstration model is empty, scripted://fast or, for a pause "
            "after each word, scripted://200ms."
        )
    return int(match[1]) / 1000
