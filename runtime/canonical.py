"""One JSON encoding for the row, the hash and the stream; a parser that refuses what others let pass.

`encode` sorts keys and writes no white space, so equal values give equal bytes and a digest names them.
`parse` accepts RFC 8259 JSON less its ambiguities: no duplicate keys, no NaN or Infinity, no lone
surrogates, no NUL, no integers beyond 64 bits, at most 64 levels.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 64
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
SURROGATE = re.compile("[\ud800-\udfff]")


class BadJson(ValueError):
    """The text is not JSON that can be stored and shown unambiguously; `str()` is one sentence."""


def encode(value: Any) -> bytes:
    """Canonical bytes of a JSON value: sorted keys, no white space, UTF-8."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise BadJson(f"The value cannot be written as JSON: {error}.") from error


def storable(text: str) -> str:
    """The text as every database and stream can hold it: NUL and halves of surrogate pairs become U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def storable_all(value: Any) -> Any:
    """The same for every text in a JSON value."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): storable_all(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable_all(item) for item in value]
    return value


def plain(value: Any) -> str:
    """The text in a message's content, however it is kept: a text, parts with texts, else the JSON itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        inner = next((value[key] for key in ("text", "content", "input") if key in value), None)
        return plain(inner) if inner is not None else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "\n".join(plain(part) for part in value)
    return "" if value is None else json.dumps(value)


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, 64 hexadecimal digits."""
    return hashlib.sha256(encode(value)).hexdigest()


def call_digest(tool: str, version: str, arguments: Any) -> str:
    """What an approval is bound to: tool, its version and the exact arguments."""
    return digest({"tool": tool, "version": version, "arguments": arguments})


def parse(text: str | bytes, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text; raises BadJson with one clear sentence."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadJson(f"The text is not UTF-8 (byte {error.start}).") from error
    _check_depth(text, max_depth)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadJson(f"The text is not valid JSON: {error.msg} at {where}.") from error
    _check_strings(value)
    return value


def parse_mended(text: str, max_depth: int = MAX_DEPTH) -> Any:
    """`parse` for what another program stored: the last one of doubled keys counts, and characters that
    cannot be stored become U+FFFD."""
    _check_depth(text, max_depth)
    try:
        value = json.loads(text, parse_constant=_constant, parse_int=_integer, parse_float=_float)
    except json.JSONDecodeError as error:
        raise BadJson(f"The text is not valid JSON: {error.msg}.") from error
    return storable_all(value)


def _check_depth(text: str, limit: int) -> None:
    if text.count("{") + text.count("[") <= limit:
        return
    # Before parsing: the parser itself recurses and would die of a deep text.
    depth, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > limit:
                raise BadJson(f"The JSON is nested more than {limit} levels deep.")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, item in pairs:
        if name in value:
            raise BadJson(f"The key {name[:80]!r} stands twice in one object.")
        value[name] = item
    return value


def _constant(name: str) -> NoReturn:
    raise BadJson(f"{name} is not JSON.")


def _integer(digits: str) -> int:
    if len(digits) > 20 or not MIN_INTEGER <= int(digits) <= MAX_INTEGER:
        raise BadJson(f"The number {digits[:24]}… is beyond 64 bits.")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise BadJson(f"The number {digits[:24]} is too large.")
    return value


def _check_strings(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise BadJson("The text contains a NUL character.")
        if SURROGATE.search(value):
            raise BadJson("The text contains half of a surrogate pair.")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_strings(name)
            _check_strings(item)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
