"""From what a person wrote to a list of wishes: cut at "and then", "and", ";" and line ends. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from runtime.providers.demonstration.wishes import Wish, file_name, unquote, wish, write_wish

MAX_PARTS = 40
MAX_WISHES = 20
MAX_STEPS = 8

_QUOTED = re.compile(
    r"""```.*?```|"[^"]*"|`[^`]*`|“[^“”]*”|(?<!\w)'[^'\n]{0,2000}'(?!\w)""",
    re.DOTALL,
)
_JOINT = re.compile(r";|\n|,? and then\b|,? then\b|,? and\b|(?-i:(?<!\d)\. (?=[A-Z]))", re.I)
_PLAN_JOINT = re.compile(rf"{_JOINT.pattern}|,", re.I)
_BLOCK = re.compile(
    r"\s*(?:please )?(?:write|save|put)(?: the following| this)? (?:in)?to ([^\n]{1,300}?):[ \t]*\n", re.I
)
_PLAN = re.compile(
    r"\s*(?:please |can you |could you )?(?:make a plan|plan)\b(?: for| to| of| how to)?[\s:]*", re.I
)
_MARK = re.compile(r"\s*(?:\d{1,3}[.)]|[-*])\s")
_EMPTY_TAIL = re.compile(
    r"(?:tell|show) me (?:what it says|the result|what it is|about it)|summari[sz]e it|report", re.I
)


@dataclass(frozen=True, slots=True)
class Understanding:
    """What is wanted, in order; `plan`: as the steps of a plan about `topic` ("": no topic was named)."""

    wishes: tuple[Wish, ...]
    plan: bool = False
    topic: str = ""


def understand(text: str) -> Understanding:
    """What a person's message asks for."""
    block = _BLOCK.match(text)
    path = file_name(block[1]) if block else ""
    if block and path:
        return Understanding((write_wish(text.strip(), path, unquote_block(text[block.end() :])),))
    plan = _PLAN.match(text)
    if not plan:
        return Understanding(tuple(_wishes(text, _JOINT)[:MAX_WISHES]))
    rest = text[plan.end() :].strip()
    topic, colon, steps = rest.partition(":")
    named = bool(colon) and "\n" not in topic and len(topic) <= 200
    wishes = _wishes(steps if named else rest, _PLAN_JOINT)
    if not any(step.understood for step in wishes):
        topic = _short(rest) or "what was asked"
        return Understanding(tuple(_outline(topic)), True, topic)
    return Understanding(tuple(wishes[:MAX_STEPS]), True, _short(topic) if named else "")


def unquote_block(text: str) -> str:
    """The rest of a message as the content of a file: as it is, less a fence around it."""
    return unquote(text) if text.strip().startswith("```") else text


def _wishes(text: str, joint: re.Pattern[str]) -> list[Wish]:
    spans = _parts(text, joint)
    alone = [wish(_unmarked(text[start:end])) for start, end in spans]
    found: list[Wish] = []
    index = 0
    while index < len(spans):
        best, last = alone[index], index
        # "write salt and pepper to a.txt" was cut in the middle: join on until it makes sense.
        for end in range(index + 1, len(spans)):
            if alone[end].understood or (best.understood and best.tool not in ("grep", "glob")):
                break
            joined = wish(_unmarked(text[spans[index][0] : spans[end][1]]))
            if joined.understood:
                best, last = joined, end
                break
        if not (_EMPTY_TAIL.fullmatch(best.said.rstrip(".!? ")[:100]) and found):
            found.append(_meant(best, found))
        index = last + 1
    return found


def _unmarked(text: str) -> str:
    """The text without the number or the dash of a list."""
    mark = _MARK.match(text)
    return text[mark.end() :] if mark else text


def _meant(found: Wish, earlier: list[Wish]) -> Wish:
    """The wish, with the file that "it" stands for."""
    if found.tool != "read_file" or found.path not in ("it", "that", "this"):
        return found
    path = next((other.path for other in reversed(earlier) if other.path), None)
    return replace(found, arguments={"path": path}, doing=f"read {path}", path=path) if path else found


def _parts(text: str, joint: re.Pattern[str]) -> list[tuple[int, int]]:
    """Start and end of the parts between joints outside of quotes; one part when there are too many."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    parts: list[tuple[int, int]] = []
    start = hidden = 0
    for match in joint.finditer(text):
        while hidden < len(quoted) and quoted[hidden][1] <= match.start():
            hidden += 1
        if hidden < len(quoted) and quoted[hidden][0] <= match.start():
            continue
        parts.append((start, match.start()))
        start = match.end()
    parts.append((start, len(text)))
    parts = [(first, last) for first, last in parts if text[first:last].strip()]
    return parts if len(parts) <= MAX_PARTS else [(0, len(text))]


def _outline(topic: str) -> list[Wish]:
    """Steps for a plan of which nothing is understood: the plan itself, written down."""
    content = (
        f"# Plan: {topic}\n\n1. Say what is to be reached, and how one would see it.\n"
        "2. Collect what is needed.\n3. Do the first part, and look at the result.\n4. Do the rest.\n"
    )
    path = "plan.md"
    return [
        write_wish(f"Write an outline for “{topic}” to {path}", path, content),
        Wish(f"Read {path} again", "read_file", {"path": path}, doing=f"read {path}", path=path),
    ]


def _short(text: str) -> str:
    text = " ".join(text.split()).rstrip(".!?: ")
    return text if len(text) <= 120 else text[:119] + "…"
