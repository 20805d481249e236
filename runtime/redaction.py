"""Keeping secrets out of what is recorded and shown: by their values, and by what they look like. Pure.

By value: the configured secrets, also where they are base64- or URL-encoded or escaped in JSON. By pattern:
what has the shape of a key, a token or a password; that is a guess, so it is asked for by `patterns=True` and
never applied to what a person or a model said. What it finds there, and in the arguments of tool calls, stays
as it is and is masked where a page shows it. All in linear time, whatever the text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import re2

REDACTED = "[redacted]"
SHORTEST = 8  #: characters; a shorter value is no secret, and would be found in everything
_REDACTED = REDACTED.encode()
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BETWEEN = b"\xff"
_ALPHABETS = (base64.b64encode, base64.urlsafe_b64encode)


def _compile(pattern: bytes) -> re2._Regexp:
    # Bytes, because half a surrogate pair may be in a text. What RE2 itself logs would quote the pattern.
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return re2.compile(pattern, options)


_LOOKS_SECRET = _compile(
    b"|".join(
        [
            rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=:,._\s\\]|-[A-Za-z0-9])*"
            rb"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?",
            rb"\b(?:sk-[A-Za-z0-9_-]{20,}|hrn_[A-Za-z0-9_-]{20,}|xox[a-z]-[A-Za-z0-9-]{10,})",
            rb"\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
            rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
            rb"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        ]
    )
)
_BEARER = _compile(rb"(?i)\b(bearer[ \t]+)[A-Za-z0-9._~+/=-]{16,}")
_URL_PASSWORD = _compile(rb"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+@")
#: In JSON, the letter of an escape stands before what follows it as if it belonged to it.
_JSON_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|[bfnrt\"\\/])")

Find = tuple[int, int]  #: where something looks secret: its begin and end, in characters


class Redactor:
    """Replaces secrets by `[redacted]`. `values`: the configured secrets."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
        # At one place the first alternative wins: the longest, or the end of a secret would be left.
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._any = _compile(b"|".join(map(re2.escape, longest_first))) if forms else None
        self._beginnings = {form[:end] for form in forms for end in range(1, len(form))}
        self._longest = max(map(len, forms), default=1) - 1

    def text(self, text: str, *, patterns: bool = False) -> str:
        """The text without the configured secrets; with `patterns` also without what looks secret."""
        found = self._clean(_bytes(text))
        if patterns:
            found = _LOOKS_SECRET.sub(_REDACTED, found)
            found = _BEARER.sub(rb"\1" + _REDACTED, found)
            found = _URL_PASSWORD.sub(rb"\1" + _REDACTED + b"@", found)
        return _text(found)

    def value(self, value: Any) -> Any:
        """The same for every text, name and number in a JSON value, by value only."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, int | float) and self._found(_bytes(str(value))):
            return REDACTED
        return value

    def holds(self, text: str) -> bool:
        """Whether a configured secret is in the text, also if single characters of it are escaped."""
        if self._any is None:
            return False
        unescaped = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
        return any(self._found(_bytes(form)) for form in {text, unescaped})

    def holds_in(self, value: Any) -> bool:
        """Whether one is in a text, name or number of a JSON value."""
        if self._any is None:
            return False
        leaves: list[str] = []
        _gather(value, leaves)
        # One search for all. A byte that no text has keeps them apart, so that none is found across two.
        return self._found(_BETWEEN.join(map(_bytes, leaves)))

    def stream(self) -> Stream:
        """For a text that comes in pieces."""
        return Stream(self)

    def _found(self, text: bytes) -> bool:
        return self._any is not None and self._any.search(text) is not None

    def _clean(self, text: bytes) -> bytes:
        return text if self._any is None else self._any.sub(_REDACTED, text)

    def _split(self, text: bytes) -> tuple[bytes, bytes]:
        """What is settled, redacted, and the end that may become a secret with what follows."""
        if self._any is None:
            return text, b""
        size = min(len(text), self._longest)
        while size and text[len(text) - size :] not in self._beginnings:
            size -= 1
        cut = len(text) - size
        for found in self._any.finditer(text):
            if found.start() < cut < found.end():
                cut = found.start()
        return self._clean(text[:cut]), text[cut:]


class Stream:
    """Redacts a text in pieces, by value: holds back the longest end that could begin a secret."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""

    def add(self, piece: str) -> str:
        """What may be shown of the text now."""
        settled, self._held = self._redactor._split(self._held + _bytes(piece))
        return _text(settled)

    def rest(self, *, broken: bool = False) -> str:
        """What was held back, at the end. `broken`: cut off, perhaps in the middle of a secret."""
        held = self._redactor.text(_text(self._held))
        self._held = b""
        return REDACTED if broken and len(held) >= SHORTEST else held


def looks_secret(text: str) -> list[Find]:
    """Where something looks secret, by pattern: in order and apart. Also within JSON."""
    raw = _bytes(text)
    forms = {raw, _JSON_ESCAPE.sub(lambda escape: b" " * len(escape[0]), raw)}
    joined: list[Find] = []
    for begin, end in sorted(find for form in forms for find in _by_pattern(form)):
        if joined and begin < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return _in_characters(raw, joined) if len(raw) != len(text) else joined


def mask(text: str) -> str:
    """The text with a mask in place of each find."""
    pieces, position = [], 0
    for begin, end in looks_secret(text):
        pieces += [text[position:begin], mask_of(end - begin)]
        position = end
    return "".join([*pieces, text[position:]])


def mask_of(size: int) -> str:
    """What stands in place of so many characters."""
    return f"[looks secret: {size:,} character{'' if size == 1 else 's'}]"


def by_line(text: str) -> dict[int, list[tuple[Find, str]]]:
    """The finds by line, counted from 1: the part of each that lies in the line, and the whole of it."""
    lines: dict[int, list[tuple[Find, str]]] = {}
    number, start, position = 1, 0, 0
    for begin, end in looks_secret(text):
        while (newline := text.find("\n", position, end)) >= 0:
            if newline > max(begin, start):
                part = max(begin, start) - start, newline - start
                lines.setdefault(number, []).append((part, text[begin:end]))
            number, start = number + 1, newline + 1
            position = start
        if start < end:
            lines.setdefault(number, []).append(((max(begin, start) - start, end - start), text[begin:end]))
        position = end
    return lines


def _by_pattern(text: bytes) -> Iterator[Find]:
    yield from (found.span() for found in _LOOKS_SECRET.finditer(text))
    yield from ((found.end(1), found.end()) for found in _BEARER.finditer(text))
    yield from ((found.end(1), found.end() - 1) for found in _URL_PASSWORD.finditer(text))


def _in_characters(raw: bytes, finds: Iterable[Find]) -> list[Find]:
    """Places in UTF-8 as places in the text. A find begins and ends at a character of ASCII."""
    found, place, characters = [], 0, 0
    for begin, end in finds:
        before = characters + len(_text(raw[place:begin]))
        place, characters = end, before + len(_text(raw[begin:end]))
        found.append((before, characters))
    return found


def _forms(value: str) -> Iterator[bytes]:
    """How a secret may be written."""
    for plain in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield _bytes(plain)
        yield _bytes(plain.replace("/", "\\/"))
    for encoded in (quote(_bytes(value), safe=""), quote(_bytes(value)), quote_plus(_bytes(value))):
        yield encoded.encode()
        yield re.sub(r"%..", lambda found: found[0].lower(), encoded).encode()
    for encode in _ALPHABETS:
        whole = encode(_bytes(value))
        yield whole
        yield whole.rstrip(b"=")
        for before in range(3):
            # Inside something longer, three bytes are four characters; those at the edges are shared.
            text = encode(b"\0" * before + _bytes(value))
            yield text[-(-before * 8 // 6) : (before + len(_bytes(value))) * 8 // 6]


def _gather(value: Any, leaves: list[str]) -> None:
    """Adds the texts, names and numbers of a JSON value."""
    if isinstance(value, str | int | float):
        leaves.append(str(value))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            leaves.append(str(name))
            _gather(item, leaves)
    elif isinstance(value, list | tuple):
        for item in value:
            _gather(item, leaves)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")
