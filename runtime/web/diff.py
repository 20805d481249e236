"""A unified diff as numbered lines to show; the comparison itself is `catalogue.preview`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number (in the new file; a removed line's in the old), its sign, its text."""

    kind: Literal["add", "cut", "same", "gap"]
    number: int | None
    sign: str
    text: str


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
            shown.append(Line("same", new, " ", line[1:]))
            old, new = old + 1, new + 1
    return shown
