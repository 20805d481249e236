"""What the demonstration model does next, from the transcript alone. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from runtime.providers.base import CallRequest, Message
from runtime.providers.demonstration.wishes import Wish

PLANNER = "write_todos"


@dataclass(frozen=True, slots=True)
class Turn:
    """One reply: its text, calls as (name, raw JSON arguments), and how it ended if not as usual."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish_reason: str = ""


class Standing(Enum):
    """How far a wish is."""

    OPEN = "its turn comes"
    DONE = "the tool answered, or it needed none"
    FAILED = "the tool could not do it"
    REFUSED = "a person or a rule said no, or nobody decided"
    SKIPPED = "it needs what did not come about"
    MISSING = "the agent has no such tool"
    STRANGE = "it is not understood"


@dataclass(frozen=True, slots=True)
class Result:
    """A call that was made (with a reviewer's edit, if there was one) and what came of it."""

    call: CallRequest
    text: str
    standing: Standing

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments, empty when they are no object."""
        try:
            value = json.loads(self.call.arguments)
        except (ValueError, RecursionError):
            value = None
        return value if isinstance(value, dict) else {}

    @property
    def confirmed(self) -> bool:
        """Whether the tool itself says that it is done (a reviewer may have answered in its place)."""
        return self.text.lower().startswith(_SUCCESS.get(self.call.name, ("\0",)))


@dataclass(frozen=True, slots=True)
class Progress:
    """A wish, how far it is, and the result of its call."""

    wish: Wish
    standing: Standing
    result: Result | None = None


def results(messages: Sequence[Message]) -> Iterator[Result]:
    """The answered calls of these messages, in order, without those that only keep the plan."""
    answers = {message.tool_call_id: message.content for message in messages if message.role == "tool"}
    for message in messages:
        for call in message.tool_calls:
            if call.id in answers and call.name != PLANNER:
                yield Result(call, answers[call.id], _standing(call.name, answers[call.id]))


def progress(wishes: Sequence[Wish], done: Sequence[Result], offered: Collection[str]) -> list[Progress]:
    """How far each wish is: results belong to the wishes in their order."""
    waiting = list(done)
    found: list[Progress] = []
    for wish in wishes:
        if not wish.understood:
            found.append(Progress(wish, Standing.STRANGE))
        elif not wish.tool:
            found.append(Progress(wish, Standing.DONE))
        elif wish.tool not in offered:
            found.append(Progress(wish, Standing.MISSING))
        elif any(_needs(wish, earlier) for earlier in found):
            found.append(Progress(wish, Standing.SKIPPED))
        elif waiting:
            result = waiting.pop(0)
            found.append(Progress(wish, result.standing, result))
        else:
            found.append(Progress(wish, Standing.OPEN))
    return found


def next_calls(steps: Sequence[Progress]) -> list[Wish]:
    """The wishes whose calls go into the next reply: from the first open one, while none disturbs another."""
    batch: list[Wish] = []
    for step in steps:
        if step.standing is not Standing.OPEN:
            continue
        if any(step.wish.disturbs(other) for other in batch):
            break
        batch.append(step.wish)
    return batch


def todo_call(steps: Sequence[Progress]) -> tuple[str, str]:
    """The call that keeps the plan: what is done, what is under way, what is not."""
    todos, busy = [], True
    for step in steps:
        # What needs no tool is said at the end, so it is done when all else is.
        done = step.standing is Standing.DONE and (step.result or not next_calls(steps))
        status = "completed" if done else "pending"
        if step.standing is Standing.OPEN and busy:
            status, busy = "in_progress", False
        todos.append({"content": short(step.wish.said, 200), "status": status})
    return PLANNER, dump({"todos": todos})


def call_of(wish: Wish) -> tuple[str, str]:
    """The wish as a call."""
    return wish.tool, dump(wish.arguments)


def dump(value: Mapping[str, Any]) -> str:
    """Raw JSON."""
    return json.dumps(value, ensure_ascii=False)


def short(text: str, limit: int) -> str:
    """One line of at most `limit` characters."""
    text = " ".join(text[: 4 * limit].split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _needs(wish: Wish, earlier: Progress) -> bool:
    failed = earlier.standing in (Standing.REFUSED, Standing.SKIPPED, Standing.FAILED)
    return failed and earlier.wish.writes and bool(wish.path) and wish.path == earlier.wish.path


_REFUSALS = (
    "the reviewer rejected",
    "this call was not run",
    "this call has no result",
    "expired, not decided",
)
_SUCCESS = {
    "write_file": ("wrote ", "replaced ", "created "),
    "edit_file": ("edited ",),
    "save_artifact": ("saved ",),
}
_FAILURE = re.compile(
    r"\w+ failed: |\w+: the argument |There is no |'[^'\n]*' (?:is|has|would|cannot)\b"
    r"|The (?:path|file|folder|pattern|glob|tool|old text|arguments|content) "
)


def _standing(tool: str, text: str) -> Standing:
    # A tool message does not say whether it failed: the product's own words for that are recognised.
    head = text[:300].lower()
    if head.startswith(_REFUSALS) or "expired, not decided" in head:
        return Standing.REFUSED
    one_sentence = "\n" not in text and len(text) < 600 and text.endswith(".")
    return Standing.FAILED if one_sentence and _FAILURE.match(text) else Standing.DONE
