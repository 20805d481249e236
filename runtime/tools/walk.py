"""Walking a thread's folder without following links, and path globs; both bounded in what they may cost."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import re2

from runtime.tools.base import ToolContext, ToolError
from runtime.tools.folder import MAX_DEPTH, Parts, name_problem, open_folder, shown

MAX_ENTRIES = 50_000
MAX_PATTERN = 1_000
MAX_MEMORY = 1 << 20  # of a compiled pattern, in bytes


class Budget:
    """What a search may still look at; `cut` says in words why it ended early, empty when it did not."""

    def __init__(self, context: ToolContext) -> None:
        self.entries = MAX_ENTRIES
        self.deadline = time.monotonic() + context.timeout_seconds
        self.cancelled = context.cancelled
        self.cut = ""

    def over(self) -> bool:
        """Whether the search must end now."""
        if not self.cut and self.entries <= 0:
            self.cut = f"the folder has more than {MAX_ENTRIES:,} entries"
        if not self.cut and time.monotonic() > self.deadline:
            self.cut = "it took too long"
        if not self.cut and self.cancelled():
            self.cut = "it was stopped"
        return bool(self.cut)


def files_below(root: Path, start: Parts, budget: Budget) -> Iterator[Parts]:
    """Regular files below a folder, those of each folder by name; what cannot be opened is left out."""
    stack = [start]
    while stack and not budget.over():
        names = stack.pop()
        try:
            files, folders = _list(root, names, budget)
        except ToolError:
            if names == start:
                raise
            continue  # gone or swapped since its parent was listed
        for name in files:
            yield (*names, name)
        if len(names) < MAX_DEPTH - 1:
            stack.extend((*names, name) for name in reversed(folders))


def _list(root: Path, names: Parts, budget: Budget) -> tuple[list[str], list[str]]:
    files: list[str] = []
    folders: list[str] = []
    with open_folder(root, names) as folder, os.scandir(folder) as entries:
        for entry in entries:
            budget.entries -= 1
            if budget.over():
                break
            if name_problem(entry.name):
                continue
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except OSError:
                continue
            if stat.S_ISREG(mode):
                files.append(entry.name)
            elif stat.S_ISDIR(mode):
                folders.append(entry.name)
    return sorted(files), sorted(folders)


def compile_pattern(pattern: str, ignore_case: bool = False) -> re2._Regexp:
    """A pattern for bytes in the linear engine, matched within one line; raises ToolError for a bad one."""
    if len(pattern) > MAX_PATTERN:
        raise ToolError(f"The pattern is too long: {MAX_PATTERN:,} characters at most.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    options.case_sensitive = not ignore_case
    options.never_nl = True
    try:
        return re2.compile(f"(?m){pattern}".encode(), options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ToolError(f"The pattern {shown(pattern)} is no RE2 regular expression: {reason}.") from error


def path_glob(glob: str) -> Callable[[str], bool]:
    """A matcher of whole paths: `*` and `?` within a name, `**` over folders, `[abc]` one of these."""
    if len(glob) > MAX_PATTERN:
        raise ToolError(f"The glob is too long: {MAX_PATTERN:,} characters at most.")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        pattern = re2.compile(_translate(glob), options)
    except re2.error as error:
        raise ToolError(f"The glob {shown(glob)} is not valid.") from error
    return lambda path: pattern.fullmatch(path) is not None


def _translate(glob: str) -> str:
    out: list[str] = []
    index = 0
    while index < len(glob):
        if glob.startswith("**/", index):
            out.append("(?:[^/]+/)*")
            index += 3
        elif glob.startswith("**", index):
            out.append(".*")
            index += 2
        elif glob[index] == "[" and (end := glob.find("]", index + 2)) > 0:
            inside = glob[index + 1 : end]
            negated = inside[0] in "!^"
            out.append(f"[{'^' if negated else ''}{_escape_class(inside[negated:])}]")
            index = end + 1
        else:
            out.append({"*": "[^/]*", "?": "[^/]"}.get(glob[index]) or re2.escape(glob[index]))
            index += 1
    return "".join(out)


def _escape_class(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "-" else re2.escape(letter) for letter in text)
