"""The gate: order, conditions, globs, and that doubt asks a person."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gate import NO_RULE, Call, Rule, judge, matches_glob


def call(
    tool: str = "write_file", read_only: bool = False, agent: str = "orchestra", **arguments: Any
) -> Call:
    return Call(tool=tool, read_only=read_only, agent=agent, arguments=arguments)


def test_it_asks_when_no_rule_matches() -> None:
    verdict = judge(call(), [Rule("reads", "allow", read_only=True)])
    assert (verdict.action, verdict.rule) == ("ask", NO_RULE)
    assert verdict.allowed_decisions == ("approve", "edit", "reject", "respond")


def test_it_lets_the_first_rule_that_matches_decide() -> None:
    rules = [Rule("never", "deny", tool="write_*", reason="not here"), Rule("all", "allow")]
    assert judge(call(), rules).action == "deny"
    assert judge(call(), rules).reason == "not here"
    assert judge(call(), list(reversed(rules))).action == "allow"


def test_it_hands_on_what_the_rule_says_about_the_approval() -> None:
    rule = Rule("slow", "ask", allowed_decisions=("approve", "reject"), expires_after_seconds=60)
    verdict = judge(call(), [rule])
    assert (verdict.rule, verdict.allowed_decisions, verdict.expires_after_seconds) == (
        "slow",
        ("approve", "reject"),
        60,
    )


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (Rule("r", "allow", tool="write_file"), True),
        (Rule("r", "allow", tool="Write_File"), False),
        (Rule("r", "allow", tool="edit_*"), False),
        (Rule("r", "allow", agent="orch*"), True),
        (Rule("r", "allow", agent="direct"), False),
        (Rule("r", "allow", read_only=False), True),
        (Rule("r", "allow", read_only=True), False),
        (Rule("r", "allow", arguments={"path": "notes/*"}), True),
        (Rule("r", "allow", arguments={"path": "notes/*", "content": "*"}), True),
        (Rule("r", "allow", arguments={"path": "notes"}), False),
        (Rule("r", "allow", arguments={"mode": "*"}), False),
        (Rule("r", "allow", arguments={"path": "notes/*", "mode": "*"}), False),
    ],
)
def test_it_wants_every_condition_of_a_rule(rule: Rule, matches: bool) -> None:
    verdict = judge(call(path="notes/a.md", content="x\ny"), [rule])
    assert (verdict.action == "allow") is matches


def test_it_matches_other_values_by_their_canonical_json() -> None:
    asked = call(count=3, flag=True, nothing=None, items=["a", 1], options={"b": 1, "a": 2})
    for name, text in {
        "count": "3",
        "flag": "true",
        "nothing": "null",
        "items": '["a",1]',
        "options": '{"a":2,"b":1}',
    }.items():
        assert judge(asked, [Rule("r", "allow", arguments={name: text})]).action == "allow"
    assert judge(asked, [Rule("r", "allow", arguments={"count": "3.0"})]).action == "ask"


def test_it_asks_when_a_rule_cannot_be_applied_and_steps_over_none() -> None:
    rules = [Rule("no secrets", "deny", arguments={"data": "*"}), Rule("all", "allow")]
    verdict = judge(call(data=object()), rules)
    assert (verdict.action, verdict.rule) == ("ask", "no secrets")
    assert "a person decides" in verdict.reason


@pytest.mark.parametrize(
    "broken",
    [
        {"action": "permit"},
        {"action": "ask", "allowed_decisions": ()},
        {"action": "ask", "allowed_decisions": ("approve", "ignore")},
        {"action": "ask", "expires_after_seconds": 0},
    ],
)
def test_it_refuses_a_broken_rule(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'r'"):
        Rule("r", **broken)


@pytest.mark.parametrize(
    ("glob", "text", "fits"),
    [
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*a*b*", "xxaxxbxx", True),
        ("*ab", "aab", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("?", "\n", True),
        ("**", "a/b", True),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("a.c", "abc", False),
        ("*.md", "notes/a.md", True),
        ("*?a", "a", False),
    ],
)
def test_it_reads_stars_and_question_marks_only(glob: str, text: str, fits: bool) -> None:
    assert matches_glob(text, glob) is fits


def test_it_matches_hostile_globs_in_linear_time() -> None:
    # A backtracking matcher would need longer than the universe has existed.
    assert not matches_glob("a" * 100_000, "*a" * 100 + "*b")


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_it_agrees_with_the_definition_of_a_glob(glob: str, text: str) -> None:
    def fits(glob: str, text: str) -> bool:
        if not glob:
            return not text
        if glob[0] == "*":
            return fits(glob[1:], text) or (text != "" and fits(glob, text[1:]))
        return text != "" and glob[0] in ("?", text[0]) and fits(glob[1:], text[1:])

    assert matches_glob(text, glob) is fits(glob, text)


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.floats(), st.text(), st.binary()), max_size=4))
def test_it_never_raises_whatever_the_arguments_are(arguments: dict[str, Any]) -> None:
    rules = [Rule("r", "deny", arguments=dict.fromkeys(arguments, "*"))]
    asked = Call(tool="t", read_only=False, agent="a", arguments=arguments)
    assert judge(asked, rules).action in ("ask", "deny")
