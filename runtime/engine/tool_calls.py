"""The steps about tool calls: run one, answer those that do not run, park one that is in doubt."""

from __future__ import annotations

import logging
import time

from runtime import journal
from runtime.engine.context import Context
from runtime.engine.steps import Answer, Doubt, RunTool
from runtime.journal.calls import change
from runtime.lifecycle import CallState
from runtime.models import ToolCall
from runtime.tools import Tool, ToolContext, ToolError, ToolResult

logger = logging.getLogger(__name__)


def run_tool(context: Context, step: RunTool) -> None:
    """Entry, effect, entry. The first spends the decision; no transaction is open while the tool works."""
    context.held.check()
    try:
        with context.entry() as entry:
            call = journal.start(entry, step.call_id, worker=context.lease.owner)
    except journal.NotGranted as refusal:
        _refuse(context, step.call_id, str(refusal))
        return
    tool = context.agent.tools.get(call.tool_name)
    began = time.monotonic()
    text, failed, result = _effect(context, tool, call)
    spent = round((time.monotonic() - began) * 1000)
    with context.entry() as entry:
        for artifact in result.artifacts if result else ():
            journal.keep_artifact(
                entry,
                call,
                path=artifact.path,
                stored_name=artifact.stored.name,
                size=artifact.size,
                sha256=artifact.sha256,
                kind=artifact.kind,
            )
        journal.finish(entry, call, text=text, failed=failed, duration_ms=spent)


def _effect(context: Context, tool: Tool | None, call: ToolCall) -> tuple[str, bool, ToolResult | None]:
    """Runs the tool: what the model is told, whether it failed, and the result."""
    if tool is None:
        return f"The tool {call.tool_name} is not available any more.", True, None
    surroundings = ToolContext(
        folder=context.files,
        artifacts_folder=context.artifacts,
        call_id=call.tool_call_id,
        max_output_bytes=context.agent.limits.tool_output_bytes,
        timeout_seconds=tool.timeout_seconds,
        cancelled=lambda: context.held.over,
    )
    try:
        result = tool.run(surroundings, call.arguments or {})
    except ToolError as error:
        return str(error), True, None
    except Exception as error:
        # A defect of a tool must not take the run down: the model is told, the log has the details.
        logger.exception("The tool %s broke in run %s.", tool.name, context.lease.run_id)
        return f"The tool {tool.name} broke ({type(error).__name__}).", True, None
    return result.text, False, result


def _refuse(context: Context, call_id: str, why: str) -> None:
    """The executor's own check said no: the call is answered and never run."""
    with context.entry() as entry:
        call = ToolCall.objects.get(pk=call_id, run_id=context.lease.run_id)
        change(call, CallState.REFUSED, answer=f"This call was not run. {why}")
        journal.finish(entry, call, text=call.answer, failed=True)


def answer(context: Context, step: Answer) -> None:
    """Puts refusals and a reviewer's answers into the transcript, in one entry."""
    with context.entry() as entry:
        calls = {
            call.tool_call_id: call
            for call in ToolCall.objects.filter(pk__in=step.call_ids, run_id=context.lease.run_id)
        }
        for call_id in step.call_ids:
            call = calls[call_id]
            answered = call.state == CallState.ANSWERED
            journal.finish(
                entry,
                call,
                text=call.answer,
                failed=not answered,
                answered_by="reviewer" if answered else None,
            )


def doubt(context: Context, step: Doubt) -> None:
    """Parks the run: a person has to say whether the call happened."""
    with context.entry() as entry:
        journal.doubt(entry, step.call_id)
