"""The difference between two texts as a bounded unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_COMPARED = 1_500  # lines; comparing grows with their square
MAX_LINES = 2_000
CONTEXT = 3
NO_NEWLINE = "\\ No newline at the end"


@dataclass(frozen=True, slots=True)
class Diff:
    """A unified diff without file headers.

    `lines` begin with ' ', '+', '-', '@@' or '\\' (about the line before). `added`, `removed`: changed lines.
    `hidden`: lines of the diff that are left out at its end. `note`: one sentence on what is special, or
    why there is nothing to show; may be empty. `fails`: as the files are, the call must fail, and the note
    says why. `old`, `new`: the whole texts.
    """

    path: str
    lines: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    hidden: int = 0
    note: str = ""
    fails: bool = False
    old: str = field(default="", repr=False, compare=False)
    new: str = field(default="", repr=False, compare=False)


def compare(path: str, old: str, new: str, note: str = "") -> Diff:
    """The diff that turns one text into the other."""
    lines = list(_lines(_split(old), _split(new)))
    return Diff(
        path=path,
        lines=tuple(line for text in lines[:MAX_LINES] for line in _shown(text)),
        added=sum(line.startswith("+") for line in lines),
        removed=sum(line.startswith("-") for line in lines),
        hidden=max(len(lines) - MAX_LINES, 0),
        note=note or ("" if lines else "Nothing would change."),
        old=old,
        new=new,
    )


def _split(text: str) -> list[str]:
    # Only at \n: a lone \r or a form feed is part of its line, and must be seen there.
    return [line + "\n" for line in text.split("\n")[:-1]] + (
        [tail] if (tail := text.rpartition("\n")[2]) else []
    )


def _shown(line: str) -> tuple[str, ...]:
    return (line[:-1],) if line.endswith("\n") else (line, NO_NEWLINE)


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    keep = max(start - CONTEXT, 0)
    old, new = old[keep : len(old) - max(end - CONTEXT, 0)], new[keep : len(new) - max(end - CONTEXT, 0)]
    if max(len(old), len(new)) > MAX_COMPARED:
        yield f"@@ -{keep + 1},{len(old)} +{keep + 1},{len(new)} @@\n"
        yield from ("-" + line for line in old)
        yield from ("+" + line for line in new)
        return
    hunks = difflib.unified_diff(old, new, n=CONTEXT)
    for line in list(hunks)[2:]:
        yield _moved(line, keep) if line.startswith("@@") else line


def _moved(header: str, lines: int) -> str:
    """A hunk's header with the lines counted that were not compared."""
    parts = header.split()
    for index in (1, 2):
        number, _, count = parts[index][1:].partition(",")
        parts[index] = f"{parts[index][0]}{int(number) + lines}{',' + count if count else ''}"
    return " ".join(parts) + "\n"


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count
