"""Sums: right, and bounded."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.providers.demonstration.arithmetic import NotASum, evaluate, looks_like_a_sum


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2+2", "4"),
        ("12 * (3+4)", "84"),
        ("2 + 3 * 4 - 1", "13"),
        ("7 / 2", "3.5"),
        ("1 / 3", "0.333333333333"),
        ("7 // 2", "3"),
        ("-7 // 2", "-4"),
        ("7 % 4", "3"),
        ("2 ** 3 ** 2", "512"),
        ("2^10", "1024"),
        ("2 ** -1", "0.5"),
        ("-2 ** 2", "-4"),
        ("--3", "3"),
        ("2 * -3", "-6"),
        ("0.1 + 0.2", "0.3"),
        (".5 * 2", "1"),
        ("1,000 * 2", "2000"),
        ("6 × 7 ÷ 2 − 1", "20"),
        ("((((1))))", "1"),
        ("10000000000 * 10000000000", "100000000000000000000"),
    ],
)
def test_it_works_sums_out(text: str, value: str) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "", "1/0", "1//0", "1%0", "0**-1", "2**0.5", "2**99999", "9**9**9", "(" * 30 + "1" + ")" * 30,
        "(1", "1)", "1 +", "* 2", "1 2", "1..2", "a+1", "__import__('os')", "1;2", "9" * 199, "2**-512**2",
        "1+" * 150 + "1",
    ],
)  # fmt: skip
def test_it_refuses_the_rest_in_a_sentence(text: str) -> None:
    with pytest.raises(NotASum) as caught:
        evaluate(text)
    assert str(caught.value).endswith(".")


@given(st.text(alphabet="0123456789+-*/%^(). ,", max_size=60))
def test_it_always_answers_or_refuses(text: str) -> None:
    with suppress(NotASum):
        assert evaluate(text)


@given(st.integers(-999, 999), st.integers(-999, 999), st.integers(-999, 999))
def test_it_agrees_with_python(a: int, b: int, c: int) -> None:
    assert evaluate(f"({a}) * ({b}) + ({c}) - ({a})") == str(a * b + c - a)


@pytest.mark.parametrize("text", ["hello", "3", "a.txt", "12 apples", "", "()", "1" * 500 + "+1", "+", "- 4"])
def test_it_takes_no_other_text_for_a_sum(text: str) -> None:
    assert not looks_like_a_sum(text)
