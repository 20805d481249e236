"""Plain sentences about tool calls: what a call would do, in words a person reads in a second.

Everything that comes from a model is shortened with the cut said; the result is plain text, to be escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUOTE = 80


def quote(value: Any, most: int = QUOTE) -> str:
    """A value as a sentence may hold it: on one line, and a cut says how much is missing."""
    text = value if isinstance(value, str) else repr(value)
    line = " ".join(text.split("\n"))
    if len(line) <= most:
        return line
    return f"{line[:most]}… (+{len(line) - most:,} characters)"


def call_sentence(tool: str, arguments: Mapping[str, Any] | None) -> str:
    """What the call would do: "Write 3 lines to notes.txt"."""
    if arguments is None:
        return f"Call {quote(tool)} with arguments that are not JSON"
    values = {name: value for name, value in arguments.items() if isinstance(value, str)}
    path = quote(values.get("path", ""))
    known = {
        "write_file": lambda: f"Write {_amount(values['content'])} to {path}",
        "edit_file": lambda: f"Change {path}: {_amount(values['old'])} becomes {_amount(values['new'])}",
        "save_artifact": lambda: f"Keep {_amount(values['content'])} as the artifact {path}",
        "execute": lambda: f"Run the command: {quote(values['command'])}",
        "read_file": lambda: f"Read {path}",
        "ls": lambda: f"List {path or 'the folder'}",
        "glob": lambda: f"Find files like {quote(values['pattern'])}",
        "grep": lambda: f"Search for {quote(values['pattern'])}",
        "write_todos": lambda: "Update the plan",
    }
    try:
        return known[tool]()
    except KeyError:
        return _any_call(tool, arguments)


def _any_call(tool: str, arguments: Mapping[str, Any]) -> str:
    if not arguments:
        return f"Call {quote(tool)} without arguments"
    shown = ", ".join(f"{quote(name, 40)} = {quote(value, 40)}" for name, value in list(arguments.items())[:3])
    more = len(arguments) - 3
    return f"Call {quote(tool)} with {shown}{f' and {more} more' if more > 0 else ''}"


def _amount(text: str) -> str:
    if not text:
        return "nothing"
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines == 1 and len(text) <= 40:
        return f"“{text.rstrip()}”"
    return f"{lines:,} lines" if lines > 1 else f"a line of {len(text):,} characters"
