"""A unified diff as numbered lines to show; the comparison itself is `catalogue.preview`.

What looks secret is found in the whole texts: of a key on many lines only some may be shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from runtime import redaction

ByLine = Mapping[int, list[tuple[redaction.Find, str]]]
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number (in the new file; a removed line's in the old), its sign, its text."""

    kind: Literal["add", "cut", "same", "gap"]
    number: int | None
    sign: str
    text: str
    before: int | None = None  #: its number in the old file, when it stays
    finds: list[redaction.Find] = field(default_factory=list)  #: what of it is masked
    secrets: frozenset[str] = frozenset()  #: the whole of each


def numbered(lines: Iterable[str]) -> list[Line]:
    """`lines` begin with ' ', '+', '-' or '@@', as `catalogue.preview` gives them."""
    shown: list[Line] = []
    old = new = 1
    for line in lines:
        hunk = _HUNK.match(line)
        if hunk:
            old, new = int(hunk[1]), int(hunk[2])
            if shown or new > 1:
                shown.append(Line("gap", None, "", "…"))
        elif line.startswith("\\"):
            shown.append(Line("gap", None, "", line[1:].strip()))
        elif line.startswith("+"):
            shown.append(Line("add", new, "+", line[1:]))
            new += 1
        elif line.startswith("-"):
            shown.append(Line("cut", old, "−", line[1:]))
            old += 1
        else:
            shown.append(Line("same", new, " ", line[1:], before=old))
            old, new = old + 1, new + 1
    return shown


def mask(lines: Iterable[Line], old: str, new: str) -> list[Line]:
    """The lines with what of them is to be masked; `old` and `new` are the texts that were compared."""
    before, after = redaction.by_line(old), redaction.by_line(new)
    if not before and not after:
        return list(lines)
    return [_masked(line, before, after) for line in lines]


def _masked(line: Line, before: ByLine, after: ByLine) -> Line:
    new, old = (None, line.number) if line.kind == "cut" else (line.number, line.before)
    found = after.get(new or 0) or before.get(old or 0)
    if not found:
        return line
    return replace(line, finds=[find for find, _ in found], secrets=frozenset(whole for _, whole in found))
