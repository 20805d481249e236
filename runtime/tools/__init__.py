"""Tools: the protocol, the built-in ones, the check of arguments, the words a reviewer reads about a call.

To add a tool, copy the smallest neighbour (`todos.py`), add it to BUILT_IN here and give it a sentence in
`summary.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from runtime.tools import sandbox
from runtime.tools.artifacts import save_artifact
from runtime.tools.base import ArtifactFile, Tool, ToolContext, ToolError, ToolResult
from runtime.tools.check import check_arguments
from runtime.tools.execute import execute
from runtime.tools.reading import ls, read_file
from runtime.tools.searching import glob, grep
from runtime.tools.todos import write_todos
from runtime.tools.writing import edit_file, write_file

BUILT_IN = (ls, read_file, glob, grep, write_file, edit_file, execute, write_todos, save_artifact)
#: Every name that may stand in a workspace, whatever this machine can do.
KNOWN = tuple(tool.name for tool in BUILT_IN)

__all__ = [
    "KNOWN",
    "ArtifactFile",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolResult",
    "builtin",
    "check_arguments",
    "irreversible",
    "parameters",
    "missing",
]


def builtin() -> Mapping[str, Tool]:
    """The built-in tools that work on this machine, by name, in the order in which they are offered."""
    gone = missing()
    return MappingProxyType({tool.name: tool for tool in BUILT_IN if tool.name not in gone})


def parameters(name: str) -> dict[str, Any] | None:
    """The schema of a tool's arguments; None for a name that no tool has."""
    return next((dict(tool.parameters) for tool in BUILT_IN if tool.name == name), None)


def irreversible(name: str) -> bool:
    """Whether what the tool of this name does cannot be undone; False for one that does not exist."""
    return any(tool.name == name and tool.irreversible for tool in BUILT_IN)


def missing() -> Mapping[str, str]:
    """The built-in tools that this machine cannot run: name → a sentence or two for people that say why.

    Cheap but for the first time in a process (some 20 ms).
    """
    shell = sandbox.state()
    return {execute.name: shell.reason} if isinstance(shell, sandbox.Off) else {}
