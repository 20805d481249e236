"""`execute`: a shell command in the sandbox.

It is neither read-only nor repeatable, and no rule speaks of it: a person is asked, each time.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from runtime.tools import sandbox
from runtime.tools.arguments import Arguments, make_tool
from runtime.tools.base import ArtifactFile, ToolContext, ToolError, ToolResult
from runtime.tools.output import Output

MAX_COMMAND_BYTES = 100_000  # the kernel takes 128 KiB for one argument


class ExecuteArguments(Arguments):
    """Run a shell command (sh) in the working folder and read what it prints and its exit code.

    It runs in a sandbox: no network, only the working folder can be changed, /tmp is empty each time, nothing
    goes on running when the command has ended. The programs of this machine are there, Python among them.
    """

    command: Annotated[
        str, Field(description="The command, for sh -c.", min_length=1, max_length=MAX_COMMAND_BYTES)
    ]


def _execute(context: ToolContext, arguments: ExecuteArguments) -> ToolResult:
    command = arguments.command
    if "\0" in command:
        raise ToolError("The command contains a NUL character, which no command can.")
    if len(command.encode()) > MAX_COMMAND_BYTES:
        raise ToolError(
            f"The command has more than {MAX_COMMAND_BYTES:,} bytes; write it to a file and run that."
        )
    state = sandbox.prove()
    if isinstance(state, sandbox.Off):
        raise ToolError(f"The shell is off. {state.reason}")
    if context.cancelled():
        raise ToolError("The command was not run: its worker was stopped, and nobody decided about it.")
    limits = replace(sandbox.Limits(), seconds=context.timeout_seconds)
    with Output(context) as output:
        try:
            outcome = sandbox.run(
                command, context.folder, limits, collect=output.take, cancelled=context.cancelled
            )
        except (sandbox.CannotStart, sandbox.Unavailable) as error:
            raise ToolError(f"The command was not run: the sandbox did not start ({error}).") from error
        artifacts = output.keep(f"output-{hashlib.sha256(context.call_id.encode()).hexdigest()[:8]}.txt")
        text = _told(outcome, output, artifacts)
    if outcome.stopped:
        raise ToolError(text, artifacts)
    return ToolResult(text, artifacts)


def _told(outcome: sandbox.Outcome, output: Output, artifacts: tuple[ArtifactFile, ...]) -> str:
    """How it ended comes first: what a command prints cannot stand in for it."""
    said = [
        f"Stopped after {outcome.seconds:.1f} s: {outcome.stopped}."
        if outcome.stopped
        else f"Exit code {outcome.exit_code}."
    ]
    text = output.text
    if artifacts:
        shown = len(text.encode())
        said.append(f"It printed {output.size:,} bytes; the first {shown:,} follow.")
        said.append(f"All are in the artifact {artifacts[0].path}.")
    elif not text:
        said.append("It printed nothing.")
    return " ".join(said) + ("\n" + text if text else "")


execute = make_tool(_execute, ExecuteArguments)
