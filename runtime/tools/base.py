"""The tool protocol: what a tool is, what it is given, what it gives back, how it fails.

ToolError       the call failed in a way the model should read; its text becomes the tool's result
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file that a tool has stored for the run: written, synced and renamed before it is reported.

    `path`: the relative name shown to people. `stored`: the file itself, directly below the artifacts folder,
    its name made by the server. `size` in bytes, `sha256` of its content, `kind` one short word.
    """

    path: str
    stored: Path
    size: int
    sha256: str
    kind: str


def never() -> bool:
    """No cancel ever comes."""
    return False


class ToolError(Exception):
    """The call failed; `str()` is one sentence for the model that names what to change.

    `artifacts`: what it had stored by then.
    """

    def __init__(self, text: str, artifacts: tuple[ArtifactFile, ...] = ()) -> None:
        super().__init__(text)
        self.artifacts = artifacts


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model reads, and the files to record with it."""

    text: str
    artifacts: tuple[ArtifactFile, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a call may touch.

    `folder`: the thread's files, must exist. `artifacts_folder`: the run's, made on demand. `call_id`: the
    product's own id of the call, the same when a repeatable call runs again after a crash. A tool that can
    take long ends by itself after `timeout_seconds`, and as soon as `cancelled()` is true: that is asked
    often and in the tool's own thread, so it is cheap and raises nothing.
    """

    folder: Path
    artifacts_folder: Path
    call_id: str
    max_output_bytes: int = 1_000_000
    timeout_seconds: float = 60.0
    cancelled: Callable[[], bool] = never


Run = Callable[[ToolContext, dict[str, Any]], ToolResult]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the model, the gate and the executor see it.

    `version` is part of what an approval is bound to: raise it when equal arguments would do something else.
    `parameters`: JSON schema of an object, `additionalProperties` false. `run` raises ToolError, nothing
    else, for whatever arguments it is given. `read_only`: changes nothing. `repeatable`: running it twice
    ends as running it once, so a call that a crash cut off may run again without asking. `irreversible`:
    nothing takes back what it did, so each call is approved on its own, and on purpose.
    """

    name: str
    version: str
    description: str
    parameters: Mapping[str, Any]
    run: Run
    read_only: bool = False
    repeatable: bool = False
    irreversible: bool = False
    timeout_seconds: float = 60.0
