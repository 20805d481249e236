"""Runs one command in a sandbox, from its start to the last of its processes."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.tools.base import never
from runtime.tools.sandbox import host, launch
from runtime.tools.sandbox.limits import Limits, size
from runtime.tools.sandbox.watch import LOOK_SECONDS, Watch


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended.

    `stopped`: why it was ended from outside, as the end of a sentence (the exit code then says nothing), else
    empty. `output`: bytes printed.
    """

    exit_code: int
    stopped: str
    seconds: float
    output: int


def run(
    command: str,
    folder: Path,
    limits: Limits,
    *,
    collect: Callable[[bytes], None],
    cancelled: Callable[[], bool] = never,
    on: host.Host | None = None,
) -> Outcome:
    """Runs the command in the folder; `collect` gets its output as it comes.

    Nothing of it is left when this returns or raises. Raises Unavailable, CannotStart, OSError.
    """
    with launch.started(on or host.look(), command, folder, limits) as box:
        watch = Watch(box.first, folder, limits, cancelled)
        flow = _Flow(collect, limits.output)
        stopped = _attend(box, watch, flow)
        seconds = watch.seconds
        exit_code = box.wait()
        for chunk in box.drain():
            flow.take(chunk)
        if not stopped and box.group and box.group.ran_out_of_memory():
            stopped = f"its processes together used more than {size(limits.memory)} of memory"
        if not stopped and exit_code < 0:
            stopped = f"its sandbox was ended from outside, by signal {-exit_code}"
    return Outcome(exit_code, stopped or flow.over(), seconds, flow.size)


@dataclass(slots=True)
class _Flow:
    """The output on its way."""

    collect: Callable[[bytes], None]
    limit: int
    size: int = 0

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self.collect(chunk)

    def over(self) -> str:
        return f"it printed more than {size(self.limit)}" if self.size > self.limit else ""


def _attend(box: launch.Box, watch: Watch, flow: _Flow) -> str:
    """Until the command has ended, or must end: then why."""
    poll = select.poll()
    poll.register(box.output, select.POLLIN)
    poll.register(box.ended, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(LOOK_SECONDS * 1000)}
        if box.output in ready:
            chunk = os.read(box.output, launch.CHUNK)
            if chunk:
                flow.take(chunk)
            else:
                poll.unregister(box.output)  # closed by all who could print
        if box.ended in ready:
            return ""
        if reason := flow.over() or watch.look():
            return reason
