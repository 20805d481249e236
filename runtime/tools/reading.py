"""`ls` and `read_file`."""

from __future__ import annotations

import codecs
import os
import stat
from typing import Annotated, BinaryIO

from pydantic import Field

from runtime.tools.arguments import Arguments, make_tool
from runtime.tools.base import ToolContext, ToolError, ToolResult
from runtime.tools.folder import TEMPORARY, open_file, open_folder, shown, split, split_file

MAX_ENTRIES = 1_000
MAX_SCANNED = 20_000
MAX_SKIPPED_BYTES = 256 << 20
PIECE = 1 << 16  # a line without an end is read in pieces


class LsArguments(Arguments):
    """List one folder: its folders (with a trailing slash) and its files with their sizes."""

    path: Annotated[str, Field(description="Folder, relative to the working folder.")] = "."


class ReadFileArguments(Arguments):
    """Read a text file. Long files are cut with a note that says how to read on."""

    path: Annotated[str, Field(description="File, relative to the working folder.", min_length=1)]
    offset: Annotated[int, Field(description="First line to read, counted from 1.", ge=1)] = 1
    limit: Annotated[int | None, Field(description="How many lines to read; all when left out.", ge=1)] = None


def _ls(context: ToolContext, arguments: LsArguments) -> ToolResult:
    names = split(arguments.path)
    with open_folder(context.folder, names) as folder, os.scandir(folder) as entries:
        rows: list[str] = []
        more = False
        for entry in entries:
            if len(rows) >= MAX_SCANNED:
                more = True
                break
            if not entry.name.startswith(TEMPORARY):
                rows.append(_row(entry))
    rows.sort()
    lines = rows[:MAX_ENTRIES]
    if more:
        lines.append(f"[more than {MAX_SCANNED:,} entries; only some are shown]")
    elif len(rows) > MAX_ENTRIES:
        lines.append(f"[{len(rows) - MAX_ENTRIES:,} more entries are not shown]")
    return ToolResult("\n".join(lines) or "(the folder is empty)")


def _row(entry: os.DirEntry[str]) -> str:
    name = shown(entry.name)[1:-1]
    try:
        state = entry.stat(follow_symlinks=False)
    except OSError:
        return f"{name}  (gone)"
    if stat.S_ISDIR(state.st_mode):
        return f"{name}/"
    if stat.S_ISREG(state.st_mode):
        return f"{name}  {state.st_size} byte{'' if state.st_size == 1 else 's'}"
    return f"{name}  ({'link' if stat.S_ISLNK(state.st_mode) else 'special file'}, cannot be opened)"


def _read_file(context: ToolContext, arguments: ReadFileArguments) -> ToolResult:
    names = split_file(arguments.path)
    path = shown("/".join(names))
    with open_file(context.folder, names) as (descriptor, state):
        with os.fdopen(os.dup(descriptor), "rb") as file:
            _skip(file, arguments.offset - 1, path)
            start = file.tell()
            content, lines = _take(file, arguments.limit, context.max_output_bytes)
        size = os.fstat(descriptor).st_size
    hidden = max(size - start - len(content), 0)
    try:
        # A character that the limit cut in two is left out; any other broken one means that this is no text.
        text = codecs.getincrementaldecoder("utf-8")().decode(content, final=not hidden)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolError(f"{path} is a binary file ({state.st_size} bytes); only UTF-8 text can be read.")
    if hidden:
        text += "" if text.endswith("\n") else "\n"
        # A single line may be too long: the way on is then behind it.
        text += (
            f"[{hidden:,} more bytes are not shown; read on with offset={arguments.offset + (lines or 1)}]"
        )
    return ToolResult(text or "(the file is empty)")


def _skip(file: BinaryIO, lines: int, path: str) -> None:
    passed = 0
    while passed < lines:
        piece = file.readline(PIECE)
        if not piece:
            raise ToolError(f"{path} has only {passed} lines; there is nothing at offset {lines + 1}.")
        if file.tell() > MAX_SKIPPED_BYTES:
            raise ToolError(f"{path} is too long to read at offset {lines + 1}; use grep to find the place.")
        passed += piece.endswith(b"\n")


def _take(file: BinaryIO, limit: int | None, max_bytes: int) -> tuple[bytes, int]:
    pieces: list[bytes] = []
    size = lines = 0
    while size < max_bytes and (limit is None or lines < limit):
        piece = file.readline(min(PIECE, max_bytes - size))
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        lines += piece.endswith(b"\n")
    return b"".join(pieces), lines


ls = make_tool(_ls, LsArguments, read_only=True, repeatable=True)
read_file = make_tool(_read_file, ReadFileArguments, read_only=True, repeatable=True)
