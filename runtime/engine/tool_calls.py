"""The steps about tool calls: run one, answer those that do not run."""

from __future__ import annotations

import logging
import time
import traceback
from copy import copy
from dataclasses import replace

from runtime import gate, journal
from runtime.engine.context import Context
from runtime.engine.steps import Answer, RunTool
from runtime.faults import Point, reach
from runtime.journal.calls import change
from runtime.lifecycle import CallState
from runtime.models import ToolCall
from runtime.tools import Tool, ToolContext, ToolError, ToolResult

logger = logging.getLogger(__name__)


class ToolRun:
    """An Effect: a granted call whose decision is spent."""

    def __init__(self, context: Context, tool: Tool, call: ToolCall) -> None:
        self._context = context
        self._tool = tool
        self._call = call
        self._result = ToolResult("")
        self._failed = False
        self._spent_ms = 0

    @classmethod
    def begin(cls, context: Context, entry: journal.Entry, step: RunTool) -> ToolRun | None:
        """Marks the call as started. None: the executor's own check said no, and the call is answered."""
        call = journal.call_of(context.run_id, step.call_id)
        tool = context.agent.tools.get(call.tool_name)
        why_not = _why_not(context, call, tool)
        if tool is None or why_not:
            _refuse(entry, call, why_not)
            return None
        try:
            return cls(context, tool, journal.start(entry, call, worker=entry.run.lease_owner))
        except journal.NotGranted as refusal:
            _refuse(entry, call, str(refusal))
            return None

    def run(self) -> None:
        """See Effect."""
        reach(Point.START_COMMITTED)
        self._context.held.make_sure()
        journal.release()
        began = time.monotonic()
        result, self._failed = self._effect()
        if self._tool.repeatable:
            self._context.held.check()  # what may have been cut short runs again instead
        self._spent_ms = round((time.monotonic() - began) * 1000)
        reach(Point.EFFECT_DONE)
        redactor = self._context.agent.redactor
        kept = tuple(replace(each, path=redactor.text(each.path)) for each in result.artifacts)
        self._result = ToolResult(redactor.text(result.text, patterns=True), kept)

    def record(self, entry: journal.Entry) -> None:
        """See Effect."""
        call = copy(self._call)  # this may have to be tried again
        for artifact in self._result.artifacts:
            journal.keep_artifact(
                entry,
                call,
                path=artifact.path,
                stored_name=artifact.stored.name,
                size=artifact.size,
                sha256=artifact.sha256,
                kind=artifact.kind,
            )
        journal.finish(entry, call, text=self._result.text, failed=self._failed, duration_ms=self._spent_ms)

    def recorded(self) -> None:
        """See Effect."""
        reach(Point.FINISH_COMMITTED)

    def _make_files(self) -> None:
        """Should the thread be gone by now, its folder goes again: see `finish_deletion` and the sweep."""
        try:
            self._context.make_files()
        except OSError as error:
            raise ToolError(f"The working folder could not be made: {error.strerror}.") from error

    def _effect(self) -> tuple[ToolResult, bool]:
        """Runs the tool: what came of it, and whether it failed."""
        context = self._context
        surroundings = ToolContext(
            folder=context.files,
            artifacts_folder=context.artifacts,
            call_id=self._call.tool_call_id,
            max_output_bytes=context.agent.limits.tool_output_bytes,
            timeout_seconds=self._tool.timeout_seconds,
            cancelled=lambda: context.held.over,
        )
        try:
            self._make_files()
            return self._tool.run(surroundings, self._call.arguments or {}), False
        except ToolError as error:
            return ToolResult(str(error), error.artifacts), True
        except Exception as error:
            # A defect of a tool must not take the run down: the model is told, the log has the details.
            details = context.agent.redactor.text(traceback.format_exc(), patterns=True)
            logger.error("The tool %s broke in run %s.\n%s", self._tool.name, context.run_id, details)
            return ToolResult(f"The tool {self._tool.name} broke ({type(error).__name__})."), True


def answer(context: Context, entry: journal.Entry, step: Answer) -> None:
    """Puts refusals and a reviewer's answers into the transcript."""
    for call_id in step.call_ids:
        call = journal.call_of(context.run_id, call_id)
        answered = call.state == CallState.ANSWERED
        journal.finish(
            entry,
            call,
            text=context.agent.redactor.text(call.answer),
            failed=not answered,
            answered_by="reviewer" if answered else None,
        )
    reach(Point.ANSWER_WRITTEN)


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


def _refuse(entry: journal.Entry, call: ToolCall, why: str) -> None:
    """The call is answered and never run."""
    answer = f"This call was not run. {why}"
    if call.state == CallState.STARTED:
        answer = f"This call was cut off by a crash and was not run again. {why}"
    else:
        change(call, CallState.REFUSED, answer=answer)
    journal.finish(entry, call, text=answer, failed=True)
