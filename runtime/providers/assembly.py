"""From the events of one answer, or its one JSON document, to a Reply."""

from __future__ import annotations

import json
from typing import Any

from runtime.providers import faults
from runtime.providers.base import MOST_TOKENS, ModelRequest, Reply, Usage
from runtime.providers.endpoint import Endpoint, clean
from runtime.providers.merge import ReplyBuilder, ReplyTooLong
from runtime.providers.pump import Put


class Assembly:
    """The reply so far. `done`: nothing more will come."""

    def __init__(self, request: ModelRequest, where: Endpoint, put: Put) -> None:
        self._request = request
        self._where = where
        self._put = put
        self._builder = ReplyBuilder()
        self._finish_reason = ""
        self._model = ""
        self._usage: Usage | None = None
        self._thought = False  # models may think before they speak: those are tokens, too
        self.done = False

    @property
    def started(self) -> bool:
        """Whether any token came; then the call is not made again."""
        return self._builder.started or self._thought

    @property
    def finished(self) -> bool:
        """Whether the reply is complete."""
        return bool(self._finish_reason)

    def event(self, data: str) -> None:
        """Takes the data of one event in; raises ProviderError."""
        data = data.strip()
        if not data or self.done:
            return
        if data == "[DONE]":
            self.done = True
            return
        value = _parse(data)
        if value is None and "\n" in data:  # a server that leaves out the empty lines between events
            for line in data.split("\n"):
                self.event(line)
            return
        if not isinstance(value, dict):
            raise faults.not_the_protocol(data, self._where, self.started)
        self._take(value, ("delta", "message"))

    def whole(self, body: bytes) -> None:
        """Takes an answer in one piece in; raises ProviderError."""
        value = _parse(body.decode("utf-8-sig", "replace"))
        if isinstance(value, list) and value and isinstance(value[0], dict) and "error" in value[0]:
            value = value[0]
        if not isinstance(value, dict):
            raise faults.not_the_protocol(faults.message_of(body), self._where, self.started)
        self._take(value, ("message",))
        if not isinstance(value.get("choices"), list) or not value["choices"]:
            raise faults.not_the_protocol(faults.message_of(body), self._where, self.started)
        # The document is whole, so the reply is, even where a server leaves the reason out.
        self._finish_reason = self._finish_reason or "stop"
        self.done = True

    def reply(self) -> Reply:
        """The complete reply; raises CutShort when there was no finish reason."""
        if not self.finished:
            raise faults.cut_short(self._where, self.started)
        taken = {call.id for message in self._request.messages for call in message.tool_calls}
        calls = self._builder.calls(taken)
        reason = self._finish_reason
        if calls and reason in ("stop", "function_call"):
            reason = "tool_calls"
        return Reply(self._builder.text, calls, self._usage, reason, self._model or self._request.model)

    def _take(self, value: dict[str, Any], names: tuple[str, ...]) -> None:
        error = value.get("error") or (value if value.get("object") == "error" else None)
        if error:
            raise faults.from_stream(error, self._where, self._request.model, self.started)
        if isinstance(value.get("model"), str) and not self._model:
            self._model = clean(value["model"][:1000])[:200]
        self._usage = _usage(value.get("usage")) or self._usage
        choices = value.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict) and choice.get("index") in (0, None):
                self._choose(choice, names)

    def _choose(self, choice: dict[str, Any], names: tuple[str, ...]) -> None:
        delta: dict[str, Any] = next(
            (choice[name] for name in names if isinstance(choice.get(name), dict)), {}
        )
        self._thought = self._thought or bool(delta.get("reasoning_content") or delta.get("reasoning"))
        try:
            text = self._builder.add(delta)
        except ReplyTooLong:
            raise faults.too_large(self._where, self.started) from None
        if text:
            self._put(text)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish_reason = clean(reason[:200])[:40] or "stop"


def _parse(text: str) -> Any:
    """The value, None when it is not JSON (or the JSON null, which is as useless)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    counts = [value.get("prompt_tokens"), value.get("completion_tokens")]
    numbers = [n for n in counts if isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= MOST_TOKENS]
    return Usage(numbers[0], numbers[1]) if len(numbers) == 2 else None
