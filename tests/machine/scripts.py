"""What the embedded model is told to say."""

from __future__ import annotations

from tests.product import call, script


def arguments(tool: str, path: str, content: str) -> dict[str, str]:
    """Of a call about a file."""
    return {
        "ls": {},
        "write_file": {"path": path, "content": content},
        "edit_file": {"path": path, "old": "old", "new": content},
    }[tool]


def as_input(turns: list[list[str]], name: str) -> str:
    """An input that makes the model want these tools, turn by turn; `name` begins the files' names."""
    return script(
        *(
            {
                "text": "next",
                "tool_calls": [
                    call(tool, **arguments(tool, f"{name}-{turn}-{place}.txt", "first"))
                    for place, tool in enumerate(tools)
                ],
            }
            for turn, tools in enumerate(turns)
        )
    )
