"""The edit form: types are kept, what was not touched stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.web.arguments import fields, hidden_in, parse, values

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "description": "Who."},
        "amount": {"type": "number"},
        "count": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "tags": {"type": "array"},
        "level": {"enum": ["low", "high"]},
        "note": {"type": "string"},
    },
    "required": ["to", "amount"],
}
GIVEN: dict[str, Any] = {
    "to": "bob",
    "amount": 1.5,
    "count": 3,
    "urgent": True,
    "tags": ["a"],
    "level": "low",
}


def typed(**changes: str) -> dict[str, str]:
    """The form as a browser sends it, with these changes."""
    return {field.name: field.text.replace("\n", "\r\n") for field in fields(GIVEN, SCHEMA)} | changes


def test_it_gives_back_exactly_what_was_not_touched() -> None:
    assert parse(GIVEN, SCHEMA, typed()) == (GIVEN, {})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("amount", "2", 2),
        ("amount", "2.50", 2.5),
        ("count", " 4 ", 4),
        ("urgent", "false", False),
        ("tags", '["b", 1]', ["b", 1]),
        ("level", '"high"', "high"),
        ("to", "007", "007"),
        ("to", "true", "true"),
        ("note", "new\r\nlines", "new\nlines"),
    ],
)
def test_it_keeps_the_type_of_what_is_edited(name: str, text: str, value: Any) -> None:
    edited, errors = parse(GIVEN, SCHEMA, typed(**{name: text}))
    assert errors == {}
    assert edited[name] == value
    assert type(edited[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("amount", "much"),
        ("count", "1.5"),
        ("count", "true"),
        ("tags", "[1"),
        ("amount", "NaN"),
        ("tags", '{"a":1,"a":2}'),
    ],
)
def test_it_says_what_cannot_be_read(name: str, text: str) -> None:
    _, errors = parse(GIVEN, SCHEMA, typed(**{name: text}))
    assert list(errors) == [name]
    assert errors[name]


def test_it_leaves_out_an_optional_argument_that_is_emptied() -> None:
    edited, errors = parse(GIVEN, SCHEMA, typed(count="", urgent=""))
    assert errors == {}
    assert "count" not in edited
    assert "urgent" not in edited


@pytest.mark.parametrize(
    "rule", [{"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": ["integer", "null"]}]
)
@pytest.mark.parametrize(("text", "value"), [("5", {"limit": 5}), ("", {})])
def test_it_edits_a_number_that_may_be_nothing_as_a_number(
    rule: dict[str, Any], text: str, value: dict[str, Any]
) -> None:
    schema = {"properties": {"limit": rule}}
    [field] = fields({"limit": None}, schema)
    assert (field.kind, field.text) == ("integer", "")
    assert parse({"limit": None}, schema, {"limit": ""}) == ({"limit": None}, {})
    assert parse({"limit": 2}, schema, {"limit": text}) == (value, {})
    assert parse({"limit": 2}, schema, {"limit": "two"})[1] == {"limit": "This must be a whole number."}


def test_it_keeps_a_text_that_is_emptied() -> None:
    assert parse(GIVEN, SCHEMA, typed(to=""))[0]["to"] == ""


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb\r\n", "\nleading", "trailing\n\n", "a\rb"])
def test_it_keeps_line_ends_that_a_browser_rewrites(text: str) -> None:
    sent = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    schema = {"properties": {"content": {"type": "string"}}}
    assert parse({"content": text}, schema, {"content": sent}) == ({"content": text}, {})


def test_it_edits_an_argument_that_the_schema_does_not_know() -> None:
    edited, _ = parse({"odd": {"a": 1}}, {}, {"odd": '{"a": 2}'})
    assert edited == {"odd": {"a": 2}}


def test_it_finds_hidden_characters_in_names_and_depths() -> None:
    assert hidden_in({"a\u200b": {"b": ["c\u202e"]}}) == {"U+200B": 1, "U+202E": 1}


def test_it_shows_every_argument_whole() -> None:
    long = "x" * 200_000
    shown = values({"content": long, "path": "a"}, {"properties": {"path": {}, "content": {}}})
    assert [value.name for value in shown] == ["path", "content"]
    assert shown[1].text == long


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "text, 0 characters"),
        ("a", "text, 1 character"),
        ("a\n", "text, 1 line"),
        ("a\nb", "text, 2 lines"),
        ("a\nb\n", "text, 2 lines"),
        ("\n\n", "text, 2 lines"),
    ],
)
def test_it_counts_lines_as_the_tools_do(text: str, words: str) -> None:
    assert [value.type for value in values({"content": text}, SCHEMA)] == [words]
