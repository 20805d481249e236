"""What the demonstration model says: what it will do, what came of it, and what it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runtime.providers.demonstration.turns import Progress, Result, Standing, short
from runtime.providers.demonstration.understand import Understanding
from runtime.providers.demonstration.wishes import Wish

QUOTED_CHARACTERS = 400

INTRODUCTION = """\
I am the embedded demonstration model of Agent Harness: a handful of fixed rules, no language model.
I understand:

- write TEXT to FILE
- read FILE
- list files
- find TEXT in FILE
- edit FILE: replace OLD with NEW
- save artifact NAME: TEXT
- run `COMMAND`
- what is 12 * (3 + 4)?
- plan: write hello to hello.txt, then read hello.txt

Several requests go together with "and then" or ";".

To connect a real model, set HARNESS_MODEL_BASE_URL to an OpenAI-compatible endpoint (for example \
http://127.0.0.1:11434/v1 for Ollama), HARNESS_MODEL to its model and, if it needs one, \
HARNESS_MODEL_API_KEY. Then start Agent Harness again."""


def announcement(batch: Sequence[Wish], first: bool) -> str:
    """What comes next, said before the calls."""
    doings = [wish.doing for wish in batch]
    listed = doings[0] if len(doings) == 1 else f"{', '.join(doings[:-1])} and {doings[-1]}"
    return f"{'I will' if first else 'Next I will'} {listed}."


def plan_announcement(understanding: Understanding) -> str:
    """What a plan begins with."""
    count = len(understanding.wishes)
    topic = f" for “{understanding.topic}”" if understanding.topic else ""
    return f"I make a plan of {count} step{'' if count == 1 else 's'}{topic}."


def account(steps: Sequence[Progress]) -> str:
    """What came of every wish, in order; the introduction when nothing was understood."""
    if all(step.standing is Standing.STRANGE for step in steps):
        return INTRODUCTION
    told = [_told(step) for step in steps]
    if any(step.standing is Standing.STRANGE for step in steps):
        told.append("I am the embedded demonstration model; ask me for help to read what I understand.")
    return "\n\n".join(told)


def plan_account(understanding: Understanding, steps: Sequence[Progress]) -> str:
    """The summing up of a plan."""
    done = sum(step.standing is Standing.DONE for step in steps)
    topic = f" for “{understanding.topic}”" if understanding.topic else ""
    head = f"The plan{topic}: {done} of {len(steps)} steps done."
    lines = [f"{number}. {_told(step)}" for number, step in enumerate(steps, 1)]
    tail = "I am the embedded demonstration model: for plans about anything, connect a real model."
    return "\n\n".join([head, *lines, tail])


def _told(step: Progress) -> str:
    wish, said = step.wish, short(step.wish.said, 120)
    match step.standing:
        case Standing.STRANGE:
            return f"I do not understand “{said}”."
        case Standing.MISSING:
            return f"For “{said}” I would need the tool {wish.tool}, which this agent does not have."
        case Standing.SKIPPED:
            return f"I left out “{said}”, because the step before it did not come about."
        case Standing.OPEN:
            return f"I have not come to “{said}”."
    return _outcome(step.result) if step.result else wish.answer


def _outcome(result: Result) -> str:
    name, path = result.call.name, short(str(result.arguments.get("path", "")), 120)
    target = f"{name} for {path}" if path else name
    if result.standing is Standing.REFUSED:
        return f"My call {target} was {_refusal(result.text)}"
    if result.standing is Standing.FAILED:
        return f"My call {target} failed: {quote(result.text)}"
    if name == "read_file":
        return f"{path} says:\n\n{fenced(result.text)}"
    if name == "ls":
        return f"The files{f' in {path}' if path else ''}:\n\n{fenced(result.text)}"
    if name in ("grep", "glob"):
        pattern = short(str(result.arguments.get("pattern", "")), 120)
        return f"The search for {pattern} gave:\n\n{fenced(result.text)}"
    if result.confirmed:
        return quote(result.text)
    return f"My call {target} was answered: {quote(result.text)}"


def _refusal(text: str) -> str:
    # The reviewer's words come last and are repeated as they are, however long they are.
    head = text[:200].lower()
    if head.startswith("the reviewer rejected"):
        _, found, reason = text.partition("Reason: ")
        return f"rejected. The reason given: {reason}" if found else "rejected, without a reason."
    if "expired, not decided" in head:
        return "not decided in time, so it was not run."
    return f"not run. I was told: {quote(text)}"


def quote(text: str) -> str:
    """A tool's text in short; what is left out is said."""
    text = text.strip("\n")
    if len(text) <= QUOTED_CHARACTERS:
        return text or "(nothing)"
    return f"{text[:QUOTED_CHARACTERS]}… ({len(text):,} characters in all)"


def fenced(text: str) -> str:
    """The same between fences, longer than any inside, so that it is shown as it is."""
    quoted = quote(text)
    longest = max((len(run) for run in re.findall("`+", quoted)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{quoted}\n{fence}"
