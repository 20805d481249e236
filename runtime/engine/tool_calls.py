"""The steps about tool calls: run one, answer those that do not run, park one that is in doubt."""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import replace

from django.db import OperationalError, connection

from runtime import gate, journal
from runtime.engine.context import Context
from runtime.engine.steps import Answer, Doubt, RunTool
from runtime.journal.calls import change
from runtime.lifecycle import CallState
from runtime.models import ToolCall
from runtime.tools import Tool, ToolContext, ToolError, ToolResult

RECORD_PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)  #: seconds between tries
logger = logging.getLogger(__name__)


def run_tool(context: Context, step: RunTool) -> None:
    """Entry, effect, entry. The first spends the decision; no transaction is open while the tool works."""
    context.held.check()
    call = _call(context, step.call_id)
    tool = context.agent.tools.get(call.tool_name)
    why_not = _why_not(context, call, tool)
    if tool is None or why_not:
        _refuse(context, step.call_id, why_not)
        return
    try:
        with context.entry() as entry:
            # Made while the run is locked: a deleted thread's folder must not come back.
            context.make_files()
            call = journal.start(entry, step.call_id, worker=context.lease.owner)
    except journal.NotGranted as refusal:
        _refuse(context, step.call_id, str(refusal))
        return
    began = time.monotonic()
    result, failed = _effect(context, tool, call)
    spent = round((time.monotonic() - began) * 1000)
    text = context.agent.redactor.text(result.text, patterns=True)
    _record(context, step.call_id, replace(result, text=text), failed, spent)


def _why_not(context: Context, call: ToolCall, tool: Tool | None) -> str:
    """The executor looks again: the tool is still the one that was granted, and no rule forbids the call."""
    if tool is None:
        return f"The tool {call.tool_name} is not available any more."
    if tool.version != call.tool_version:
        return f"The tool {tool.name} has changed since the call was granted; ask for it anew."
    if context.agent.redactor.holds_in(call.arguments):
        return "The arguments contain a secret of this installation."  # an edit's, or a new key
    asked = gate.Call(
        tool=tool.name, read_only=tool.read_only, agent=context.agent.name, arguments=call.arguments or {}
    )
    verdict = gate.judge(asked, context.agent.rules)
    return f"The rule {verdict.rule!r} forbids it." if verdict.action == "deny" else ""


def _record(context: Context, call_id: str, result: ToolResult, failed: bool, spent: int) -> None:
    """Writes what came of a call. The effect has happened: a database that is locked or away for a while
    must not make its outcome unknown, so this is tried again for as long as the run is ours."""
    for patience in (*RECORD_PATIENCE, None):
        try:
            with context.entry() as entry:
                call = _call(context, call_id)
                for artifact in result.artifacts:
                    journal.keep_artifact(
                        entry,
                        call,
                        path=context.agent.redactor.text(artifact.path),
                        stored_name=artifact.stored.name,
                        size=artifact.size,
                        sha256=artifact.sha256,
                        kind=artifact.kind,
                    )
                journal.finish(entry, call, text=result.text, failed=failed, duration_ms=spent)
            return
        except journal.RunGone:
            journal.finish_deletion(context.lease.thread_id)  # the tool may have written after the deletion
            raise
        except OperationalError:
            if patience is None:
                raise
            logger.warning(
                "The outcome of call %s could not be written; trying again.", call_id, exc_info=True
            )
            connection.close()
            context.held.check()
            time.sleep(patience)


def _call(context: Context, call_id: str) -> ToolCall:
    return ToolCall.objects.get(pk=call_id, run_id=context.lease.run_id)


def _effect(context: Context, tool: Tool, call: ToolCall) -> tuple[ToolResult, bool]:
    """Runs the tool: what came of it, and whether it failed."""
    surroundings = ToolContext(
        folder=context.files,
        artifacts_folder=context.artifacts,
        call_id=call.tool_call_id,
        max_output_bytes=context.agent.limits.tool_output_bytes,
        timeout_seconds=tool.timeout_seconds,
        cancelled=lambda: context.held.over,
    )
    journal.release()
    try:
        return tool.run(surroundings, call.arguments or {}), False
    except ToolError as error:
        return ToolResult(str(error), error.artifacts), True
    except Exception as error:
        # A defect of a tool must not take the run down: the model is told, the log has the details.
        details = context.agent.redactor.text(traceback.format_exc(), patterns=True)
        logger.error("The tool %s broke in run %s.\n%s", tool.name, context.lease.run_id, details)
        return ToolResult(f"The tool {tool.name} broke ({type(error).__name__})."), True


def _refuse(context: Context, call_id: str, why: str) -> None:
    """The executor's own check said no: the call is answered and never run."""
    with context.entry() as entry:
        call = _call(context, call_id)
        answer = f"This call was not run. {why}"
        if call.state == CallState.STARTED:
            answer = f"This call was cut off by a crash and was not run again. {why}"
        else:
            change(call, CallState.REFUSED, answer=answer)
        journal.finish(entry, call, text=answer, failed=True)


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
                text=context.agent.redactor.text(call.answer),
                failed=not answered,
                answered_by="reviewer" if answered else None,
            )


def doubt(context: Context, step: Doubt) -> None:
    """Parks the run: a person has to say whether the call happened."""
    with context.entry() as entry:
        journal.doubt(entry, step.call_id)
