"""Tools: the protocol, the built-in ones, the check of arguments, the words a reviewer reads about a call.

To add a tool, copy the smallest neighbour (`todos.py`), add it to BUILT_IN here and give it a sentence in
`summary.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from runtime.tools.artifacts import save_artifact
from runtime.tools.base import ArtifactFile, Tool, ToolContext, ToolError, ToolResult
from runtime.tools.check import check_arguments
from runtime.tools.reading import ls, read_file
from runtime.tools.searching import glob, grep
from runtime.tools.todos import write_todos
from runtime.tools.writing import edit_file, write_file

BUILT_IN = (ls, read_file, glob, grep, write_file, edit_file, write_todos, save_artifact)

__all__ = ["ArtifactFile", "Tool", "ToolContext", "ToolError", "ToolResult", "builtin", "check_arguments"]


def builtin() -> Mapping[str, Tool]:
    """The built-in tools by name, in the order in which they are offered."""
    return MappingProxyType({tool.name: tool for tool in BUILT_IN})
