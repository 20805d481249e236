"""Arguments against a tool's schema: one sentence for each error, safe with hostile schemas and arguments.

jsonschema trusts a schema: it would fetch what `$ref` names, run its patterns in a backtracking engine,
compare all pairs for `uniqueItems` and follow references for ever. Here references stay inside the schema and
are counted, patterns run in linear time, and unique items are compared by their canonical bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from itertools import islice
from typing import Any

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing.jsonschema import EMPTY_REGISTRY

from runtime import canonical
from runtime.tools.base import Tool

MAX_ERRORS = 20
MAX_REFERENCES = 20_000
KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_references: ContextVar[int] = ContextVar("references", default=0)

Errors = Iterator[ValidationError]


class UnsupportedKeyword(Exception):
    """The schema uses a keyword that is not checked here: the call is refused, with a sentence."""


def check_arguments(tool: Tool, arguments: Any) -> list[str]:
    """One sentence for each way in which the arguments break the tool's schema, 20 at most; empty means fine.

    Never raises: a schema or arguments that cannot be judged give a sentence that says so.
    """
    if not isinstance(arguments, dict):
        return [f"The arguments of {tool.name} must be an object, not {_kind(arguments)}."]
    _references.set(0)
    try:
        errors = CHECKER(dict(tool.parameters), registry=EMPTY_REGISTRY).iter_errors(arguments)
        return [_sentence(tool, error) for error in islice(errors, MAX_ERRORS)]
    except Exception as error:
        return [f"The arguments of {tool.name} could not be checked by its schema ({type(error).__name__})."]


def _sentence(tool: Tool, error: ValidationError) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    name = f"The argument '{_short(where.lstrip('.'))}'" if where else "The call"
    schema: Any = error.schema
    rule: Any = error.validator_value
    match error.validator:
        case "required":
            return f"The argument '{_short(f'{where}.{error.message}'.lstrip('.'))}' is missing."
        case "additionalProperties":
            known = ", ".join(schema.get("properties", {})) or "nothing"
            place = f"'{_short(where.lstrip('.'))}'" if where else tool.name
            return f"'{_short(error.message)}' is not an argument of {place}; it knows {_short(known)}."
        case "type":
            kinds = [rule] if isinstance(rule, str) else list(rule)
            text = " or ".join(KINDS.get(kind, kind) for kind in kinds)
            return f"{name} must be {text}, not {_kind(error.instance)}."
        case "enum":
            return f"{name} must be one of {_short(', '.join(map(str, rule)))}."
        case "minimum":
            return f"{name} must be {rule} or more."
        case "maximum":
            return f"{name} must be {rule} or less."
        case "minLength" | "minItems":
            return f"{name} is too short: {rule} at least."
        case "maxLength" | "maxItems":
            return f"{name} is too long: {rule} at most."
    return f"{name} breaks the rule '{_short(str(error.validator))}' of the schema."


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "true or false", str: "text", int: "a number", float: "a decimal number", list: "a list"}
    return kinds.get(type(value), "an object")


def _short(text: str, limit: int = 200) -> str:
    clean = "".join(character if character.isprintable() else "�" for character in text[:limit])
    return clean + ("…" if len(text) > limit else "")


def _pattern(checker: Any, pattern: str, instance: Any, schema: Any) -> Errors:
    if checker.is_type(instance, "string") and not _found(pattern, instance):
        yield ValidationError("pattern")


def _pattern_properties(checker: Any, patterns: Mapping[str, Any], instance: Any, schema: Any) -> Errors:
    if not checker.is_type(instance, "object"):
        return
    for pattern, subschema in patterns.items():
        for key, value in instance.items():
            if _found(pattern, key):
                yield from checker.descend(value, subschema, path=key, schema_path=pattern)


def _additional_properties(checker: Any, allowed: Any, instance: Any, schema: Any) -> Errors:
    if not checker.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", {})
    extras = [
        key
        for key in instance
        if key not in schema.get("properties", {}) and not any(_found(pattern, key) for pattern in patterns)
    ]
    if checker.is_type(allowed, "object"):
        for key in extras:
            yield from checker.descend(instance[key], allowed, path=key)
    elif not allowed:
        yield from (ValidationError(key) for key in extras)


def _required(checker: Any, required: list[str], instance: Any, schema: Any) -> Errors:
    if checker.is_type(instance, "object"):
        yield from (ValidationError(key) for key in required if key not in instance)


def _refused(checker: Any, value: Any, instance: Any, schema: Any) -> Errors:
    # The library's own check runs patterns in a backtracking engine.
    raise UnsupportedKeyword("unevaluatedProperties")


def _unique_items(checker: Any, unique: bool, instance: Any, schema: Any) -> Errors:
    if unique and checker.is_type(instance, "array"):
        seen = {canonical.encode(item) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError("uniqueItems")


def _counted(keyword: Any) -> Any:
    def follow(checker: Any, value: Any, instance: Any, schema: Any) -> Errors:
        _references.set(_references.get() + 1)
        if _references.get() > MAX_REFERENCES:
            raise RecursionError("too many references")
        yield from keyword(checker, value, instance, schema)

    return follow


def _found(pattern: str, text: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options).search(text) is not None


def _is_integer(checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # 1.0 is not a whole number here


CHECKER = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "required": _required,
        "unevaluatedProperties": _refused,
        "uniqueItems": _unique_items,
        "$ref": _counted(Draft202012Validator.VALIDATORS["$ref"]),
        "$dynamicRef": _counted(Draft202012Validator.VALIDATORS["$dynamicRef"]),
    },
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
