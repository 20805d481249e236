"""A thread's folder, a run's folder for artifacts, and a way to call a tool as the executor does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from runtime.tools import ToolContext, ToolError, ToolResult, builtin, check_arguments


class CallTool(Protocol):
    """Calls a built-in tool by name; the result's text."""

    def __call__(self, name: str, **arguments: Any) -> str: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The thread's files."""
    made = tmp_path / "files"
    made.mkdir()
    return made


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a secret, beside the thread's files."""
    made = tmp_path / "outside"
    made.mkdir()
    (made / "secret.txt").write_text("the secret")
    return made


@pytest.fixture
def context(folder: Path, tmp_path: Path) -> ToolContext:
    """What a call may touch."""
    return ToolContext(folder=folder, artifacts_folder=tmp_path / "run" / "artifacts", call_id="call-1")


@pytest.fixture
def call(context: ToolContext) -> CallTool:
    """Calls a tool with arguments that its schema must accept."""

    def run(name: str, **arguments: Any) -> str:
        return run_tool(context, name, **arguments).text

    return run


def run_tool(context: ToolContext, name: str, **arguments: Any) -> ToolResult:
    """Checks the arguments against the schema, as the gate does, then runs the tool."""
    tool = builtin()[name]
    assert check_arguments(tool, arguments) == []
    return tool.run(context, arguments)


def refusal(context: ToolContext, name: str, **arguments: Any) -> str:
    """The sentence with which a tool refuses; its arguments fit the schema."""
    with pytest.raises(ToolError) as caught:
        run_tool(context, name, **arguments)
    return str(caught.value)
