"""Arguments against schemas: clear sentences, and nothing hostile raises, hangs or calls out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runtime.tools import Tool, ToolContext, ToolResult, builtin, check_arguments


def tool(parameters: dict[str, Any]) -> Tool:
    """A tool as a server might offer it."""

    def run(context: ToolContext, arguments: dict[str, Any]) -> ToolResult:
        return ToolResult("ran")

    return Tool(name="pay", version="1", description="Pays.", parameters=parameters, run=run)


@pytest.mark.parametrize(
    ("name", "arguments", "sentences"),
    [
        ("read_file", {"path": "a"}, []),
        ("read_file", {"path": "a", "limit": None, "offset": 3}, []),
        ("read_file", {}, ["The argument 'path' is missing."]),
        ("read_file", {"path": 3}, ["The argument 'path' must be text, not a number."]),
        ("read_file", {"path": None}, ["The argument 'path' must be text, not null."]),
        (
            "read_file",
            {"path": "a", "limit": "3"},
            ["The argument 'limit' must be a whole number or null, not text."],
        ),
        (
            "read_file",
            {"path": "a", "offset": 1.0},
            ["The argument 'offset' must be a whole number, not a decimal number."],
        ),
        (
            "read_file",
            {"path": "a", "offset": True},
            ["The argument 'offset' must be a whole number, not true or false."],
        ),
        ("read_file", {"path": "a", "offset": 0}, ["The argument 'offset' must be 1 or more."]),
        (
            "write_file",
            {"file": "a", "text": ["b"]},
            [
                "'file' is not an argument of write_file; it knows path, content.",
                "'text' is not an argument of write_file; it knows path, content.",
                "The argument 'content' is missing.",
                "The argument 'path' is missing.",
            ],
        ),
        ("edit_file", {"path": "a", "old": "", "new": ""}, ["The argument 'old' is too short: 1 at least."]),
        (
            "write_todos",
            {"todos": [{"content": "a", "status": "done", "by": "me"}, {"status": "pending"}, "b"]},
            [
                "'by' is not an argument of 'todos[0]'; it knows content, status.",
                "The argument 'todos[0].status' must be one of pending, in_progress, completed.",
                "The argument 'todos[1].content' is missing.",
                "The argument 'todos[2]' must be an object, not text.",
            ],
        ),
        ("ls", [], ["The arguments of ls must be an object, not a list."]),
        ("ls", None, ["The arguments of ls must be an object, not null."]),
        ("ls", "path", ["The arguments of ls must be an object, not text."]),
    ],
)
def test_it_says_what_is_wrong(name: str, arguments: Any, sentences: list[str]) -> None:
    assert sorted(check_arguments(builtin()[name], arguments)) == sorted(sentences)


def test_it_gives_at_most_twenty_sentences() -> None:
    arguments = {"todos": [{"status": "x"}] * 100}
    assert len(check_arguments(builtin()["write_todos"], arguments)) == 20


def test_its_sentences_are_short_and_printable() -> None:
    for arguments in ({"\u202e" + "x" * 10_000: 1}, {"path": "a", "\x1b[2J": 1}):
        for sentence in check_arguments(builtin()["ls"], arguments):
            assert len(sentence) < 400
            assert sentence.isprintable()


def test_every_builtin_schema_is_valid_and_closed() -> None:
    for made in builtin().values():
        Draft202012Validator.check_schema(dict(made.parameters))
        assert made.parameters["additionalProperties"] is False
        assert made.description.endswith(".")
        for argument in made.parameters["properties"].values():
            assert argument["description"]


PATTERN = {"properties": {"to": {"type": "string", "pattern": "^(a+)+$"}}}


def test_it_runs_patterns_in_linear_time() -> None:
    assert check_arguments(tool(PATTERN), {"to": "a" * 5_000}) == []
    assert check_arguments(tool(PATTERN), {"to": "a" * 5_000 + "!"}) == [
        "The argument 'to' breaks the rule 'pattern' of the schema."
    ]
    names = {"patternProperties": {"^(a+)+$": {"type": "string"}}, "additionalProperties": False}
    assert check_arguments(tool(names), {"a" * 5_000: "x"}) == []
    assert len(check_arguments(tool(names), {"a" * 5_000 + "!": "x"})) == 1
    assert check_arguments(tool(names), {"aaa": 1}) == ["The argument 'aaa' must be text, not a number."]


def test_it_checks_unique_items_without_comparing_all_pairs() -> None:
    unique = tool({"properties": {"items": {"uniqueItems": True}}})
    assert check_arguments(unique, {"items": [{"n": number} for number in range(50_000)]}) == []
    assert len(check_arguments(unique, {"items": [{"n": 1}, {"n": 1}]})) == 1


BOMB = {f"l{level}": {"allOf": [{"$ref": f"#/$defs/l{level + 1}"}] * 4} for level in range(30)}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"$dynamicRef": "#x"},
        {"$defs": BOMB, "$ref": "#/$defs/l0"},
        {"pattern": 3, "properties": {"to": {"pattern": "("}}},
        {"properties": {"to": {"pattern": "(?=x)"}}},
        {"type": "nothing-known"},
        {"required": 3},
        {"properties": []},
        {"allOf": {"a": 1}},
        {"unevaluatedProperties": False, "patternProperties": {"(a+)+$": {}}},
        {"properties": {"to": {"multipleOf": 0}}},
    ],
)
def test_it_says_when_a_schema_cannot_be_used(schema: dict[str, Any]) -> None:
    sentences = check_arguments(tool(schema), {"to": 3 if "multipleOf" in str(schema) else "x"})
    assert len(sentences) == 1
    assert sentences[0].startswith("The arguments of pay could not be checked by its schema")


def test_it_follows_references_inside_the_schema() -> None:
    tree = {
        "properties": {"node": {"$ref": "#/$defs/node"}},
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"left": {"$ref": "#/$defs/node"}, "size": {"type": "integer"}},
            }
        },
    }
    assert check_arguments(tool(tree), {"node": {"left": {"size": 1}}}) == []
    assert check_arguments(tool(tree), {"node": {"left": {"size": "1"}}}) == [
        "The argument 'node.left.size' must be a whole number, not text."
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SCHEMA_KEYS = st.sampled_from(
    ["type", "properties", "items", "enum", "anyOf", "not", "$ref", "pattern", "minimum"]
)


@settings(max_examples=150)
@given(JSON, st.dictionaries(SCHEMA_KEYS, JSON, max_size=3))
def test_it_never_raises(arguments: Any, schema: dict[str, Any]) -> None:
    for made in (*builtin().values(), tool(schema)):
        for sentence in check_arguments(made, arguments):
            assert sentence.endswith(".")
