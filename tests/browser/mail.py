"""The product's settings, with one tool more: nothing takes back what it sends, as with no built-in one."""

from __future__ import annotations

from typing import Any

from harness_site.settings import *  # noqa: F403
from runtime import tools
from runtime.tools import Tool, ToolContext, ToolResult


def _send(context: ToolContext, arguments: dict[str, Any]) -> ToolResult:
    (context.folder / "sent.txt").write_text(f"{arguments['to']}\n{arguments['text']}")
    return ToolResult(f"Sent to {arguments['to']}.")


send_mail = Tool(
    name="send_mail",
    version="1",
    description="Send a mail.",
    parameters={
        "type": "object",
        "properties": {
            "to": {"type": "string"},
            "copies": {"type": "integer", "description": "How many."},
            "text": {"type": "string"},
        },
        "required": ["to", "copies", "text"],
        "additionalProperties": False,
    },
    run=_send,
    irreversible=True,
)
tools.BUILT_IN = (*tools.BUILT_IN, send_mail)  # type: ignore[assignment]
