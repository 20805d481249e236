"""Approval rules in order, pure: the engine asks before a call, actions ask for an edit.

The first rule that matches decides; when none does, a person is asked. Whatever cannot be judged is asked,
too: this room never lets a call run because something was odd about it.

A glob knows `*` (any text, also none) and `?` (one character); every other character stands for itself.
Deny rules on arguments help, they are no wall: one file has many spellings (`a`, `./a`). Write allow rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, get_args

from runtime import canonical

Action = Literal["allow", "ask", "deny"]
Decision = Literal["approve", "edit", "reject", "respond"]
ACTIONS: tuple[Action, ...] = get_args(Action)
DECISIONS: tuple[Decision, ...] = get_args(Decision)
NO_RULE = "no rule matched"


@dataclass(frozen=True, slots=True)
class Rule:
    """One approval rule. Every condition that is given must hold; raises ValueError for a broken rule.

    `tool`, `agent`: globs on the names. `read_only`: None means either. `arguments`: name of a top-level
    argument -> glob on its text (a string as it is, anything else as canonical JSON); a call without that
    argument does not match. `expires_after_seconds`: None means the approval waits for ever.
    """

    name: str
    action: Action
    tool: str = "*"
    agent: str = "*"
    read_only: bool | None = None
    arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    allowed_decisions: tuple[str, ...] = DECISIONS
    expires_after_seconds: int | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"The rule {self.name!r} has the unknown action {self.action!r}.")
        if not self.allowed_decisions or not set(self.allowed_decisions) <= set(DECISIONS):
            raise ValueError(f"The rule {self.name!r} must allow one or more of {', '.join(DECISIONS)}.")
        if self.expires_after_seconds is not None and self.expires_after_seconds < 1:
            raise ValueError(f"The rule {self.name!r} must expire after one second or more.")


@dataclass(frozen=True, slots=True)
class Call:
    """What a rule is matched against."""

    tool: str
    read_only: bool
    agent: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say about a call; `rule` is the name of the deciding rule, or NO_RULE."""

    action: Action
    rule: str
    allowed_decisions: tuple[str, ...] = DECISIONS
    expires_after_seconds: int | None = None
    reason: str = ""


def judge(call: Call, rules: Sequence[Rule]) -> Verdict:
    """The verdict of the first rule that matches. Never raises for any call; in doubt a person is asked."""
    for rule in rules:
        try:
            matched = _matches(call, rule)
        except Exception as error:
            # Not "does not match": a deny rule that cannot be applied must not be stepped over.
            reason = f"This rule could not be applied to the call ({type(error).__name__}), a person decides."
            return Verdict("ask", rule.name, reason=reason)
        if matched:
            return Verdict(
                action=rule.action,
                rule=rule.name,
                allowed_decisions=rule.allowed_decisions,
                expires_after_seconds=rule.expires_after_seconds,
                reason=rule.reason,
            )
    return Verdict("ask", NO_RULE)


def matches_glob(text: str, glob: str) -> bool:
    """Whether the whole text fits the glob; case matters. Steps grow with len(text) × len(glob) at worst."""
    pieces = _pieces(glob)
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return first.fullmatch(text) is not None
    start = first.match(text)
    if start is None:
        return False
    position = start.end()
    for piece in pieces[1:-1]:
        # Leftmost is always right for the pieces between two stars, so nothing is ever tried twice.
        found = piece.search(text, position)
        if found is None:
            return False
        position = found.end()
    tail = len(text) - len(glob.rpartition("*")[2])
    return tail >= position and last.fullmatch(text, tail) is not None


def _matches(call: Call, rule: Rule) -> bool:
    if rule.read_only is not None and rule.read_only is not call.read_only:
        return False
    if not (matches_glob(call.tool, rule.tool) and matches_glob(call.agent, rule.agent)):
        return False
    return all(
        name in call.arguments and matches_glob(_text(call.arguments[name]), glob)
        for name, glob in rule.arguments.items()
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical.encode(value).decode()


@lru_cache(maxsize=1024)
def _pieces(glob: str) -> tuple[re.Pattern[str], ...]:
    # The text between stars; without any repetition in it, a regular expression cannot blow up.
    return tuple(
        re.compile("".join("." if letter == "?" else re.escape(letter) for letter in piece), re.DOTALL)
        for piece in glob.split("*")
    )
