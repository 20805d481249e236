"""Puts a reply together from chat-completion messages and deltas, as the many servers really send them. Pure.

Tool calls come in pieces by index; or without an index; or whole, each with index 0; with empty, repeated or
ever new ids; names whole, in pieces or repeated; arguments as text or as an object. Text comes as a string,
as a list of parts, or as null. What was asked for is never guessed: pieces that fit no rule end as a call
whose arguments are broken JSON, and the engine answers those.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from runtime.providers.base import CallRequest

MAX_REPLY_CHARACTERS = 4_000_000  # text, names and arguments together
MAX_NAME_CHARACTERS = 200
MAX_ID_CHARACTERS = 200
_CALL_COST = 64  # what one call counts at least, so that empty ones are bounded too
_MOST_LOOKED_AT = 8 * MAX_REPLY_CHARACTERS  # to see whether a call is whole, all looks at a reply together

_HIGH = re.compile("[\ud800-\udbff]\\Z")
_LONE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class ReplyTooLong(Exception):
    """The reply is longer than MAX_REPLY_CHARACTERS."""


@dataclass(slots=True)
class _Call:
    index: int | None
    place: int  # in the order they began
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


class ReplyBuilder:
    """`add` one delta or message after the other; `text` and `calls` are the reply so far."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._held = ""  # first half of a surrogate pair
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}  # of several with one index or id, the one that began last
        self._by_id: dict[str, _Call] = {}
        self._left = MAX_REPLY_CHARACTERS
        self._looks_left = _MOST_LOOKED_AT
        self.started = False  # a token or a piece of a tool call came

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts)

    def add(self, delta: dict[str, Any]) -> str:
        """Takes a delta (or a whole message) in; returns its text. Raises ReplyTooLong."""
        text = self._whole_pairs(_text(delta.get("content")) + _text(delta.get("refusal")))
        if text:
            self._spend(len(text))
            self._texts.append(text)
            self.started = True
        self._add_calls(delta.get("tool_calls"))
        return text

    def calls(
        self, taken: Collection[str], make_id: Callable[[], str] | None = None
    ) -> tuple[CallRequest, ...]:
        """The calls in the order they began. An id that is empty, repeated or in `taken` is replaced."""
        seen = set(taken)
        requests = []
        for call in self._calls:
            identity = call.id
            while not identity or identity in seen:
                identity = (make_id or generated_id)()
            seen.add(identity)
            requests.append(CallRequest(identity, call.name, call.arguments))
        return tuple(requests)

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise ReplyTooLong

    def _whole_pairs(self, text: str) -> str:
        # Some servers cut between the halves of a character; the halves meet again here. A NUL or a half that
        # stays alone cannot be stored or shown.
        text, self._held = self._held + text, ""
        if _HIGH.search(text):
            text, self._held = text[:-1], text[-1]
        if _UNSTORABLE.search(text):
            text = (
                text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")
            )
        return text

    def _add_calls(self, items: Any) -> None:
        if isinstance(items, dict):
            items = [items]
        if not isinstance(items, list):
            return
        touched: set[int] = set()
        for item in items:
            if isinstance(item, dict):
                touched.add(self._add_call(item, touched).place)

    def _add_call(self, item: dict[str, Any], touched: Collection[int]) -> _Call:
        function = item.get("function")
        function = function if isinstance(function, dict) else item
        name = _word(function.get("name"))
        identity = _word(item.get("id"))[:MAX_ID_CHARACTERS]
        arguments = _arguments(function.get("arguments"))
        index = item.get("index") if isinstance(item.get("index"), int) else None
        call = self._find(index, identity, name, arguments, touched)
        if call is None:
            self._spend(_CALL_COST)
            call = _Call(index, len(self._calls))
            self._calls.append(call)
            if index is not None:
                self._by_index[index] = call
        self.started = True
        self._merge(call, identity, name, arguments)
        return call

    def _merge(self, call: _Call, identity: str, name: str, arguments: str) -> None:
        if identity and not call.id:
            call.id = identity
            known = self._by_id.setdefault(identity, call)
            if known.place < call.place:
                self._by_id[identity] = call
        # A name that comes again, whole, with every piece is one name.
        if name and not call.pieces and call.name != name:
            self._spend(len(name))
            call.name = (call.name + name)[:MAX_NAME_CHARACTERS]
        if arguments:
            self._spend(len(arguments))
            call.pieces.append(arguments)

    def _find(
        self, index: int | None, identity: str, name: str, arguments: str, touched: Collection[int]
    ) -> _Call | None:
        """The call that a piece belongs to, None when it begins a new one."""
        if index is not None:
            same = self._by_index.get(index)
            return None if same is None or self._begins_anew(same, identity, name) else same
        if identity:
            same = self._by_id.get(identity)
            if same is not None:
                return None if name and arguments and self._is_whole(same) else same
            # An id nobody knows: a new call if it brings a name, else a server that numbers every piece.
            return self._calls[-1] if self._calls and not name else None
        if not self._calls or self._calls[-1].place in touched:
            return None
        last = self._calls[-1]
        return None if name and last.pieces else last

    def _begins_anew(self, call: _Call, identity: str, name: str) -> bool:
        # Servers that send calls whole may give each the index 0: a name after complete arguments, or a name
        # with another id after a call that has none, is the next call.
        if not name:
            return False
        other = bool(identity and call.id and identity != call.id)
        if not call.pieces:
            return other
        return (other or not identity or not call.id) and self._is_whole(call)

    def _is_whole(self, call: _Call) -> bool:
        # Asked with every piece by servers that repeat the name: the text is read only where it can end, and
        # after very many looks no more. A piece that names a call then goes on with it.
        if not call.pieces or call.pieces[-1].rstrip()[-1:] not in ("}", ""):
            return False
        text = call.arguments
        call.pieces = [text]
        self._looks_left -= len(text)
        if self._looks_left < 0 or not text.rstrip().endswith("}"):
            return False
        try:
            return isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            return False


def generated_id() -> str:
    """Nine letters and digits: the one form that every server takes back (Mistral's insists on it)."""
    return "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(9))


def _text(content: Any) -> str:
    """Text of a content: a string, or a list of parts of which those with text count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in content)
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _word(value: Any) -> str:
    return _LONE.sub("\ufffd", value).replace("\x00", "\ufffd") if isinstance(value, str) else ""


def _arguments(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=True)
    # Written as escapes: storable, and the parser refuses them with a sentence instead of a crash.
    return _UNSTORABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", value)
