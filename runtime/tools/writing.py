"""`write_file` and `edit_file`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runtime.tools.arguments import Arguments, make_tool
from runtime.tools.base import ToolContext, ToolError, ToolResult
from runtime.tools.folder import read_bytes, shown, split_file, write_bytes

MAX_FILE_BYTES = 4 << 20


class WriteFileArguments(Arguments):
    """Write a text file, replacing one that exists; missing folders are made. Newlines are kept as given."""

    path: Annotated[str, Field(description="File, relative to the working folder.", min_length=1)]
    content: Annotated[str, Field(description="The whole new content of the file.")]


class EditFileArguments(Arguments):
    """Replace a piece of text in a file. The old text must occur exactly once, unless replace_all is true."""

    path: Annotated[str, Field(description="File, relative to the working folder.", min_length=1)]
    old: Annotated[str, Field(description="The text to replace, exactly as in the file.", min_length=1)]
    new: Annotated[str, Field(description="The text to put in its place.")]
    replace_all: Annotated[bool, Field(description="Replace every occurrence instead of one.")] = False


def _write_file(context: ToolContext, arguments: WriteFileArguments) -> ToolResult:
    names = split_file(arguments.path)
    content = arguments.content.encode()
    _check_size(len(content), arguments.path)
    replaced = write_bytes(context.folder, names, content, context.call_id)
    verb = "Replaced" if replaced else "Created"
    return ToolResult(f"{verb} {shown('/'.join(names))}: {measure(arguments.content)}.")


def _edit_file(context: ToolContext, arguments: EditFileArguments) -> ToolResult:
    names = split_file(arguments.path)
    path = shown("/".join(names))
    content = edited(read_text(context, arguments.path), arguments)
    write_bytes(context.folder, names, content.encode(), context.call_id)
    return ToolResult(f"Edited {path}; it now has {measure(content)}.")


def read_text(context: ToolContext, path: str) -> str:
    """The text of a file that an edit works on; newlines as they are."""
    try:
        return read_bytes(context.folder, split_file(path), MAX_FILE_BYTES).decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{shown(path)} is a binary file; only UTF-8 text can be edited.") from error


def edited(text: str, arguments: EditFileArguments) -> str:
    """The text after the edit; raises ToolError when the old text is not there, or not just once."""
    count = text.count(arguments.old)
    path = shown(arguments.path)
    if count == 0:
        raise ToolError(f"The old text does not occur in {path}; read the file and give it exactly.")
    if count > 1 and not arguments.replace_all:
        raise ToolError(f"The old text occurs {count} times in {path}; give more of it, or set replace_all.")
    # Reckoned before it is built: many replacements by a long text would fill the memory.
    growth = len(arguments.new.encode()) - len(arguments.old.encode())
    _check_size(len(text.encode()) + count * growth, arguments.path)
    return text.replace(arguments.old, arguments.new)


def measure(text: str) -> str:
    """How long a text is, in words: `12 lines (340 bytes)`."""
    lines = text.count("\n") + (not text.endswith("\n") and text != "")
    size = len(text.encode("utf-8", "replace"))
    return f"{lines:,} line{'' if lines == 1 else 's'} ({size:,} byte{'' if size == 1 else 's'})"


def _check_size(size: int, path: str) -> None:
    if size > MAX_FILE_BYTES:
        raise ToolError(f"{shown(path)} would have {size:,} bytes; {MAX_FILE_BYTES:,} are allowed.")


write_file = make_tool(_write_file, WriteFileArguments, repeatable=True)
edit_file = make_tool(_edit_file, EditFileArguments)
