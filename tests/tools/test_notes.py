"""`write_todos` and `save_artifact`: the tools that leave the working folder alone."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.tools import ToolContext, builtin
from tests.tools.conftest import CallTool, refusal, run_tool


def test_it_answers_a_plan_that_can_be_read(call: CallTool, folder: Path) -> None:
    todos = [
        {"content": "Look", "status": "completed"},
        {"content": "Write", "status": "in_progress"},
        {"content": "Check", "status": "pending"},
    ]
    assert call("write_todos", todos=todos) == "Plan: 1 of 3 done.\n[x] Look\n[>] Write\n[ ] Check"
    assert call("write_todos", todos=[]) == "Plan: 0 of 0 done."
    assert list(folder.iterdir()) == []


def test_it_keeps_an_artifact_beside_the_folder(context: ToolContext, folder: Path) -> None:
    result = run_tool(context, "save_artifact", path="./reports//a.md", content="été\n")
    assert result.text == "Saved 'reports/a.md': 1 line (6 bytes)."
    (kept,) = result.artifacts
    assert (kept.path, kept.size, kept.kind) == ("reports/a.md", 6, "text")
    assert kept.sha256 == hashlib.sha256("été\n".encode()).hexdigest()
    assert kept.stored.read_text() == "été\n"
    assert kept.stored.parent == context.artifacts_folder
    assert "a.md" not in kept.stored.name
    assert stat.S_ISREG(kept.stored.lstat().st_mode)
    assert list(folder.iterdir()) == []


def test_it_stores_a_repeated_call_once_and_other_calls_apart(context: ToolContext) -> None:
    first = run_tool(context, "save_artifact", path="a.md", content="x").artifacts[0]
    again = run_tool(context, "save_artifact", path="a.md", content="x").artifacts[0]
    assert first == again
    other = replace(context, call_id="call-2")
    later = run_tool(other, "save_artifact", path="a.md", content="x").artifacts[0]
    assert later.stored != first.stored
    assert len(list(context.artifacts_folder.iterdir())) == 2


@pytest.mark.parametrize("path", ["../a.md", "/a.md", "a/../../b", "notes/"])
def test_it_refuses_an_artifact_with_a_path_that_leads_out(context: ToolContext, path: str) -> None:
    assert "The path" in refusal(context, "save_artifact", path=path, content="x")
    assert not context.artifacts_folder.exists()


def test_it_declares_what_may_run_freely_and_what_may_run_again() -> None:
    tools = builtin()
    assert list(tools) == [
        "ls",
        "read_file",
        "glob",
        "grep",
        "write_file",
        "edit_file",
        "execute",
        "write_todos",
        "save_artifact",
    ]
    assert {name for name, tool in tools.items() if tool.read_only} == {"ls", "read_file", "glob", "grep"}
    assert {name for name, tool in tools.items() if not tool.repeatable} == {"edit_file", "execute"}
    assert not any(tool.irreversible for tool in tools.values())


def test_it_refuses_an_artifact_whose_path_no_index_can_hold(context: ToolContext) -> None:
    assert "bytes; at most" in refusal(context, "save_artifact", path="/".join(["漢" * 80] * 12), content="x")
    assert not context.artifacts_folder.exists()
