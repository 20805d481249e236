"""`write_todos`: the model's plan, kept in the transcript alone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runtime.tools.arguments import Arguments, make_tool
from runtime.tools.base import ToolContext, ToolResult

MARKS = {"pending": "[ ]", "in_progress": "[>]", "completed": "[x]"}


class Todo(Arguments):
    """One step of the plan."""

    content: Annotated[str, Field(description="What to do, one line.", min_length=1, max_length=500)]
    status: Annotated[Literal["pending", "in_progress", "completed"], Field(description="How far it is.")]


class WriteTodosArguments(Arguments):
    """Write down or update the plan for work of several steps.

    Give the whole list each time; it replaces the last.
    """

    todos: Annotated[list[Todo], Field(description="The steps, in order.", max_length=100)]


def _write_todos(context: ToolContext, arguments: WriteTodosArguments) -> ToolResult:
    done = sum(todo.status == "completed" for todo in arguments.todos)
    lines = [f"Plan: {done} of {len(arguments.todos)} done."]
    lines += [f"{MARKS[todo.status]} {todo.content}" for todo in arguments.todos]
    return ToolResult("\n".join(lines))


write_todos = make_tool(_write_todos, WriteTodosArguments, repeatable=True)
