"""Canonical JSON: equal values give equal bytes, and ambiguous texts are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import canonical

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_it_reads_back_what_it_wrote(value: object) -> None:
    assert canonical.parse(canonical.encode(value)) == value


@given(st.dictionaries(text, st.integers(0, 9), max_size=5))
def test_it_gives_equal_objects_equal_bytes_in_any_order(value: dict[str, int]) -> None:
    assert canonical.encode(dict(reversed(value.items()))) == canonical.encode(value)


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": {"b": 1, "b": 1}}', "twice"),
        ("NaN", "NaN"),
        ("[-Infinity]", "Infinity"),
        ("1e999", "too large"),
        ('"\\ud800"', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ('"a\\u0000b"', "NUL"),
        ("[" * 65 + "]" * 65, "64 levels"),
        ("[" * 100_000, "64 levels"),
        (str(2**64), "64 bits"),
        ("-" + "9" * 5000, "64 bits"),
        ("", "valid JSON"),
        ("{'a': 1}", "valid JSON"),
        (b"\xff\xfe", "UTF-8"),
        ("\ufeff{}", "valid JSON"),
    ],
)
def test_it_refuses_with_one_sentence(bad: str | bytes, word: str) -> None:
    with pytest.raises(canonical.BadJson, match=word) as refusal:
        canonical.parse(bad)
    assert str(refusal.value).endswith(".")


def test_it_takes_brackets_inside_strings_for_text() -> None:
    deep = json.dumps("[" * 500 + '\\"')
    assert canonical.parse(deep) == "[" * 500 + '\\"'


def test_it_binds_a_call_to_tool_version_and_arguments() -> None:
    digest = canonical.call_digest("write_file", "1", {"path": "a", "content": "b"})
    assert digest == canonical.call_digest("write_file", "1", {"content": "b", "path": "a"})
    others = {
        canonical.call_digest("edit_file", "1", {"path": "a", "content": "b"}),
        canonical.call_digest("write_file", "2", {"path": "a", "content": "b"}),
        canonical.call_digest("write_file", "1", {"path": "a", "content": "c"}),
    }
    assert len(others) == 3
    assert digest not in others
