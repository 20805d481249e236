"""Reading YAML: what it means, and what is refused before anything is built of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.workspace.documents import MAX_FILE_BYTES, MAX_NODES, read_documents
from runtime.workspace.problems import Mark, Problem


def read(content: str | bytes, **environ: str) -> tuple[list[Any], list[str]]:
    """The values of the documents, and the problems."""
    problems: list[Problem] = []
    encoded = content.encode() if isinstance(content, str) else content
    documents = read_documents("f.yaml", encoded, environ, problems.append)
    return [document.value for document in documents], [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("2.5e3", 2500.0),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("Off", "Off"),
        ("True", "True"),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("2024-01-02", "2024-01-02"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        (".5", ".5"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e3", "1e3"),
        ("+1", "+1"),
        ("9999999999999999999", "9999999999999999999"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("'null'", "null"),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">\n  12\n", "12\n"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_it_reads_plain_values_as_what_they_look_like(text: str, value: object) -> None:
    values, problems = read(f"a: {text}")
    assert problems == []
    assert values == [{"a": value}]
    assert type(values[0]["a"]) is type(value)


def test_it_takes_every_key_as_text() -> None:
    assert read("on: 1\n2: 2\nnull: 3\n<<: {a: 1}") == ([{"on": 1, "2": 2, "null": 3, "<<": {"a": 1}}], [])


def test_it_knows_the_line_of_every_path() -> None:
    text = "a: 1\n---\nb:\n  - x\n  - c: 2\n"
    problems: list[Problem] = []
    second = read_documents("f.yaml", text.encode(), {}, problems.append)[1]
    assert {path: mark.line for path, mark in second.marks.items()} == {
        (): 3,
        ("b",): 3,
        ("b", 0): 4,
        ("b", 1): 5,
        ("b", 1, "c"): 5,
    }
    assert second.marks[()] == Mark("f.yaml", 3)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: &x 1", "f.yaml:1: anchors (&) and aliases (*) are not read here; write it out."),
        ("a: 1\nb: *x", "f.yaml:2: anchors (&) and aliases (*) are not read here; write it out."),
        ("a: !!python/object/apply:os.system [id]", "f.yaml:1: tags (!) are not read here; leave it out."),
        ("a: !!str 1", "f.yaml:1: tags (!) are not read here; leave it out."),
        ("a: !x {b: 1}", "f.yaml:1: tags (!) are not read here; leave it out."),
        ("a: " + "[" * 40, "f.yaml:1: is nested more than 32 levels deep."),
        ("{a: " * 100_000, "f.yaml:1: is nested more than 32 levels deep."),
        ("- " * 5_000 + "x", "f.yaml:1: is nested more than 32 levels deep."),
        ("[" + "1," * (MAX_NODES + 1) + "]", "f.yaml:1: has more than 50,000 values."),
        ("a: 1\nb: {c: 1, c: 2}", "f.yaml:2: b.c: stands twice, first in line 2."),
        ("a: 1\n'a': 2", "f.yaml:2: a: stands twice, first in line 1."),
        ("? [a]\n: 1", "f.yaml:1: has a key that is not text."),
        ("a: [1\nb: 2", "f.yaml:2: is not valid YAML: did not find expected ',' or ']'."),
        ("a:\n\tb: 1", "f.yaml:2: is not valid YAML: found character that cannot start any token."),
        (b"a: 1\nb: caf\xe9", "f.yaml:2: is not UTF-8 text."),
        ("a: \x07", "f.yaml: is not valid YAML: control characters are not allowed."),
        (b"#" * (MAX_FILE_BYTES + 1), "f.yaml: has 1,048,577 bytes; 1,048,576 are allowed."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_it_refuses_what_could_surprise(content: str | bytes, problem: str) -> None:
    assert read(content)[1] == [problem]


def test_it_does_not_expand_a_bomb() -> None:
    bomb = "a: &a [x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert read(bomb) == ([], ["f.yaml:1: anchors (&) and aliases (*) are not read here; write it out."])


def test_it_fills_in_the_environment_within_one_value() -> None:
    values, problems = read("a: x${env:A}y${env:B:-z}\nb: ${env:A:-}\nc: '$A {env:A}'", A="1\nb: 2")
    assert problems == []
    assert values == [{"a": "x1\nb: 2yz", "b": "1\nb: 2", "c": "$A {env:A}"}]


@given(st.one_of(st.binary(max_size=60), st.text("ab:- \n[]{}&*!'\"|>#?%@`,~\t", max_size=60)))
def test_it_never_raises(content: bytes | str) -> None:
    values, problems = read(content)
    assert all(problem.startswith("f.yaml") for problem in problems)
    assert isinstance(values, list)
