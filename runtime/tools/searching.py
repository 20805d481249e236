"""`glob` and `grep`: bounded in files, bytes, matches and time, and they say when something was left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from runtime.tools.arguments import Arguments, make_tool
from runtime.tools.base import ToolContext, ToolError, ToolResult
from runtime.tools.folder import Parts, open_file, open_folder, read_up_to, shown, split
from runtime.tools.walk import Budget, compile_pattern, files_below, path_glob

MAX_PATHS = 1_000
MAX_MATCHES = 500
MAX_LINE = 400
MAX_FILE_BYTES = 8 << 20
MAX_TOTAL_BYTES = 256 << 20
BLOCK = 1 << 18  # searched at once between two looks at the clock
SNIFFED_BYTES = 8_192


class GlobArguments(Arguments):
    """Find files by their path, for example `**/*.md`. Folders are not listed."""

    pattern: Annotated[
        str,
        Field(
            description="Matched against the path relative to the working folder: * and ? stay within one "
            "name, ** crosses folders, [abc] is one of these characters.",
            min_length=1,
        ),
    ]


class GrepArguments(Arguments):
    """Search text files for a regular expression (RE2 syntax); answers path:line:text for each match."""

    pattern: Annotated[str, Field(description="Regular expression, matched within one line.", min_length=1)]
    path: Annotated[str, Field(description="File or folder to search, relative to the working folder.")] = "."
    glob: Annotated[
        str | None, Field(description="Search only such files, for example *.py; without a slash, by name.")
    ] = None
    ignore_case: Annotated[bool, Field(description="Let upper and lower case be the same.")] = False


def _glob(context: ToolContext, arguments: GlobArguments) -> ToolResult:
    glob = arguments.pattern.removeprefix("./")
    split(glob)  # the same refusals as for a path
    fits = path_glob(glob)
    budget = Budget(context)
    found: list[str] = []
    for names in files_below(context.folder, (), budget):
        path = "/".join(names)
        if fits(path):
            found.append(path)
        if len(found) > MAX_PATHS:
            budget.cut = f"only the first {MAX_PATHS:,} files are shown"
            found.pop()
            break
    return _answer(found, "No file matches.", [budget.cut], context.max_output_bytes)


def _grep(context: ToolContext, arguments: GrepArguments) -> ToolResult:
    search = Search(context, arguments)
    for names in search.files():
        if search.budget.over():
            break
        search.look_into(names)
    notes = [search.budget.cut]
    if search.large:
        notes.append(f"only the first {MAX_FILE_BYTES:,} bytes were searched of {_some(search.large)}")
    if search.binary:
        notes.append(f"binary and not searched: {_some(search.binary)}")
    return _answer(search.found, "No line matches.", notes, context.max_output_bytes)


class Search:
    """One grep under way: what it found, what it left out, what it may still cost."""

    def __init__(self, context: ToolContext, arguments: GrepArguments) -> None:
        self.root = context.folder
        self.start = split(arguments.path)
        self.pattern = compile_pattern(arguments.pattern, arguments.ignore_case)
        self.fits = path_glob(arguments.glob) if arguments.glob else None
        self.by_name = "/" not in (arguments.glob or "")
        self.budget = Budget(context)
        self.bytes_left = MAX_TOTAL_BYTES
        self.found: list[str] = []
        self.binary: list[str] = []
        self.large: list[str] = []

    def files(self) -> Iterable[Parts]:
        """What to search: the file that was named, or the files below the folder."""
        try:
            with open_folder(self.root, self.start):
                pass
        except ToolError:
            with open_file(self.root, self.start):  # says what is wrong when it is no file either
                return [self.start]
        return (names for names in files_below(self.root, self.start, self.budget) if self._wanted(names))

    def _wanted(self, names: Parts) -> bool:
        return self.fits is None or self.fits(names[-1] if self.by_name else "/".join(names))

    def look_into(self, names: Parts) -> None:
        """Adds the matching lines of one file."""
        path = "/".join(names)
        try:
            with open_file(self.root, names) as (descriptor, state):
                content = read_up_to(descriptor, min(MAX_FILE_BYTES, self.bytes_left))
        except ToolError:
            return  # gone or swapped since its folder was listed
        self.bytes_left -= len(content)
        if b"\0" in content[:SNIFFED_BYTES]:
            self.binary.append(path)
            return
        if state.st_size > len(content) == MAX_FILE_BYTES:
            self.large.append(path)
        self._match(path, content)
        if self.bytes_left <= 0:
            self.budget.cut = f"{MAX_TOTAL_BYTES:,} bytes were searched, more are not"

    def _match(self, path: str, content: bytes) -> None:
        position, number, counted = 0, 1, 0
        while position < len(content) and not self.budget.over():
            end = content.find(b"\n", position + BLOCK) + 1 or len(content)
            match = self.pattern.search(content, position, end)
            if match is None:
                position = end
                continue
            start = content.rfind(b"\n", 0, match.start()) + 1
            stop = content.find(b"\n", match.start())
            stop = len(content) if stop < 0 else stop
            if start == len(content):
                return  # an empty match behind the last newline is no line
            number += content.count(b"\n", counted, start)
            counted, position = start, stop + 1
            if len(self.found) >= MAX_MATCHES:
                self.budget.cut = f"only the first {MAX_MATCHES} lines are shown"
                return
            self.found.append(f"{path}:{number}:{_line(content[start:stop])}")


def _line(line: bytes) -> str:
    text = line[: MAX_LINE * 4].decode("utf-8", "replace").replace("\0", "�").rstrip("\r")
    return text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]}… [{len(line):,} bytes]"


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 5:,} more" if len(paths) > 5 else ""
    return ", ".join(shown(path) for path in paths[:5]) + more


def _answer(lines: list[str], nothing: str, notes: list[str], max_bytes: int) -> ToolResult:
    text = "\n".join(lines) or nothing
    content = text.encode()
    if len(content) > max_bytes:
        hidden = len(content) - max_bytes
        text = content[:max_bytes].decode("utf-8", "ignore")
        notes = [*notes, f"{hidden:,} more bytes of matches are not shown"]
    for note in filter(None, notes):
        text += f"\n[{note}]"
    return ToolResult(text)


glob = make_tool(_glob, GlobArguments, read_only=True, repeatable=True)
grep = make_tool(_grep, GrepArguments, read_only=True, repeatable=True)
