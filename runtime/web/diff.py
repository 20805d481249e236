"""What a file call would change: its arguments against the thread's file as it is now."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal

MAX_BYTES = 256 * 1024
MAX_LINES = 1500  #: the comparison is quadratic at worst
CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a diff; a gap says in `text` how many equal lines it stands for."""

    kind: Literal["add", "cut", "same", "gap"]
    sign: str
    number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """The lines, or a sentence why there are none."""

    lines: tuple[Line, ...] = ()
    note: str = ""


def of_call(folder: Path, tool: str, arguments: Mapping[str, Any]) -> Diff | None:
    """The diff of a call that writes a file below `folder`; None for every other call."""
    path, new = arguments.get("path"), _new_text(tool, arguments)
    if not isinstance(path, str) or new is None:
        return None
    try:
        now = read(folder, path)
    except FileNotFoundError:
        return Diff(note="This file does not exist yet.") if tool == "write_file" else None
    except (OSError, ValueError):
        return Diff(note="The present file cannot be compared: it is not a text file of a moderate size.")
    if tool == "edit_file":
        old = str(arguments.get("old"))
        if now.count(old) != 1:
            return Diff(note="The text to replace is not exactly once in the present file: the call will fail.")
        new = now.replace(old, new)
    if now == new:
        return Diff(note="The file has this content already.")
    return compare(now, new)


def compare(before: str, after: str) -> Diff:
    """Line by line, with three lines around each change."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MAX_LINES:
        return Diff(note=f"The files are too long to compare here (more than {MAX_LINES:,} lines).")
    lines: list[Line] = []
    end = 0
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT):
        if group[0][1] > end:
            lines.append(_gap(group[0][1] - end))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [Line("same", " ", j + 1, new[j]) for j in range(j1, j2)]
                continue
            lines += [Line("cut", "−", i + 1, old[i]) for i in range(i1, i2)]
            lines += [Line("add", "+", j + 1, new[j]) for j in range(j1, j2)]
        end = group[-1][2]
    if len(old) > end:
        lines.append(_gap(len(old) - end))
    if not lines:
        return Diff(note="Only line ends differ.")
    return Diff(tuple(lines))


def read(folder: Path, path: str) -> str:
    """A text file below `folder`; no link is followed on the way. Raises OSError or ValueError."""
    names = [name for name in path.split("/") if name not in ("", ".")]
    if path.startswith("/") or not names or ".." in names or "\x00" in path:
        raise ValueError("not a path below the folder")
    directory = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    at = os.open(folder, directory)
    try:
        for name in names[:-1]:
            below = os.open(name, directory, dir_fd=at)
            os.close(at)
            at = below
        file = os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    finally:
        with suppress(OSError):
            os.close(at)
    with os.fdopen(file, "rb") as opened:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise ValueError("not a regular file")
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError("too large")
    return content.decode()


def _new_text(tool: str, arguments: Mapping[str, Any]) -> str | None:
    name = {"write_file": "content", "edit_file": "new"}.get(tool)
    value = arguments.get(name) if name else None
    return value if isinstance(value, str) else None


def _gap(count: int) -> Line:
    return Line("gap", "", None, f"{count} unchanged line{'s' if count != 1 else ''}")
