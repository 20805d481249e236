"""A call's arguments on a page: shown whole with their types, and as the fields of an edit form.

What is edited keeps its type: a number stays a number; objects and lists are edited as JSON text; a field
that was not touched keeps exactly the value it had, and so does one that is masked and not in the form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runtime import canonical, redaction
from runtime.web import hidden

Kind = Literal["text", "number", "integer", "choice", "json"]
PLAIN_KINDS: Mapping[str, Kind] = {"string": "text", "integer": "integer", "number": "number"}
MISSING = object()
SHORT = 60  #: characters of a text that is edited on one line


@dataclass(frozen=True, slots=True)
class Value:
    """One argument as it is shown."""

    name: str
    type: str  #: in words: "text, 3 lines"
    text: str  #: the whole value; JSON unless it is text


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the edit form."""

    name: str
    kind: Kind
    text: str  #: what is in it
    about: str = ""  #: the schema's description
    choices: tuple[str, ...] = ()
    required: bool = False
    needed: bool = False  #: must not be empty
    long: bool = False
    error: str = ""
    locked: bool = False  #: it is masked: it has to be revealed to be edited


def values(arguments: Mapping[str, Any], schema: Mapping[str, Any] | None = None) -> list[Value]:
    """Every argument, whole: in the schema's order, or short ones first, not lost behind a long text."""
    shown = {name: Value(name, _type_words(value), as_text(value)) for name, value in arguments.items()}
    if schema:
        return [shown[name] for name in _names(arguments, schema) if name in shown]
    return sorted(shown.values(), key=lambda value: len(value.text) > SHORT or "\n" in value.text)


def hidden_in(arguments: Mapping[str, Any]) -> dict[str, int]:
    """Hidden characters in names and values, counted."""
    return hidden.hidden_characters("\n".join(_texts(arguments)))


def as_text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def fields(
    arguments: Mapping[str, Any],
    schema: Mapping[str, Any],
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    revealed: bool = True,
) -> list[Field]:
    """The edit form: the schema's properties in their order, then arguments that it does not know."""
    found: list[Field] = []
    for name in _names(arguments, schema):
        kind = _kind(name, arguments, schema)
        given = arguments.get(name, MISSING)
        original = "" if given is MISSING else _field_text(given, kind)
        content = (typed or {}).get(name, original)
        found.append(
            Field(
                name=name,
                kind=kind,
                text=content,
                about=str(_property(name, schema).get("description", "")),
                choices=_choices(name, schema) if kind == "choice" else (),
                required=_required(name, schema),
                needed=_required(name, schema)
                and (kind != "text" or _property(name, schema).get("minLength", 0) > 0),
                long=kind == "json" or "\n" in content or len(content) > SHORT,
                error=(errors or {}).get(name, ""),
                # What somebody typed is theirs already.
                locked=not revealed and name not in (typed or {}) and _is_masked(name, original),
            )
        )
    return found


def _is_masked(name: str, content: str) -> bool:
    return bool(redaction.looks_secret(name) or redaction.looks_secret(content))


def parse(
    arguments: Mapping[str, Any], schema: Mapping[str, Any], typed: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The edited arguments and, by name, what cannot be read. `typed` holds the form's texts."""
    edited: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name in _names(arguments, schema):
        kind = _kind(name, arguments, schema)
        given = arguments.get(name, MISSING)
        content = typed.get(name)
        if content is not None:
            content = _newlines(content, given)
        untouched = content is None or (
            given is not MISSING and content == _newlines(_field_text(given, kind), given)
        )
        if untouched:
            if given is not MISSING:
                edited[name] = given
            continue
        assert content is not None
        if not content.strip() and (given is MISSING or (kind != "text" and not _required(name, schema))):
            continue  # an optional argument that is left out
        try:
            edited[name] = _read(content, kind)
        except ValueError as error:
            errors[name] = str(error)
    return edited, errors


def _read(content: str, kind: Kind) -> Any:
    if kind == "text":
        return content
    try:
        value = canonical.parse(content.strip())
    except canonical.BadJson as error:
        words = {"integer": "a whole number", "number": "a number"}.get(kind)
        raise ValueError(f"This must be {words}." if words else str(error)) from error
    if kind == "integer" and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError("This must be a whole number.")
    if kind == "number" and (not isinstance(value, int | float) or isinstance(value, bool)):
        raise ValueError("This must be a number.")
    return value


def _newlines(content: str, given: Any) -> str:
    """Browsers send every line end as CR LF: back to what the value had."""
    lines = content.replace("\r\n", "\n").replace("\r", "\n")
    had_crlf = isinstance(given, str) and "\r\n" in given and "\n" not in given.replace("\r\n", "")
    return lines.replace("\n", "\r\n") if had_crlf else lines


def _names(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    known = list(schema.get("properties", {}))
    return known + [name for name in arguments if name not in known]


def _property(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties", {}).get(name)
    if not isinstance(found, dict):
        return {}
    # "a number, or nothing" is edited as a number that may be left out
    types = found.get("type")
    listed = [{"type": kind} for kind in types] if isinstance(types, list) else found.get("anyOf", ())
    kinds = [kind for kind in listed if isinstance(kind, dict) and kind.get("type") != "null"]
    return {**found, **kinds[0]} if len(kinds) == 1 else found


def _required(name: str, schema: Mapping[str, Any]) -> bool:
    return name in schema.get("required", ())


def _kind(name: str, arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> Kind:
    rule = _property(name, schema)
    if rule.get("type") == "boolean" or isinstance(rule.get("enum"), list):
        return "choice"
    kind = PLAIN_KINDS.get(str(rule.get("type")), "json")
    given = arguments.get(name, MISSING)
    if kind == "text" and given is not MISSING and not isinstance(given, str):
        return "json"
    return kind


def _choices(name: str, schema: Mapping[str, Any]) -> tuple[str, ...]:
    rule = _property(name, schema)
    options = rule.get("enum", [True, False])
    found = tuple(_field_text(option, "choice") for option in options)
    return found if _required(name, schema) else ("", *found)


def _field_text(value: Any, kind: Kind) -> str:
    if kind == "text" and isinstance(value, str):
        return value
    if value is None and kind in ("integer", "number"):
        return ""
    return json.dumps(value, ensure_ascii=False, indent=2 if kind == "json" else None)


def _type_words(value: Any) -> str:
    if isinstance(value, str):
        if "\n" in value:
            lines = value.count("\n") + (not value.endswith("\n"))  # as the tools count them
            return f"text, {lines:,} line{'' if lines == 1 else 's'}"
        return f"text, {len(value):,} character{'' if len(value) == 1 else 's'}"
    if isinstance(value, bool):
        return "yes or no"
    if value is None:
        return "nothing"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return f"list of {len(value):,}"
    return "object"


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [piece for name, item in value.items() for piece in (str(name), *_texts(item))]
    if isinstance(value, list):
        return [piece for item in value for piece in _texts(item)]
    return []
