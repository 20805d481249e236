"""What the steps of one advancing run share: its agent as resolved at start, its lease, its transcript."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runtime import catalogue, journal
from runtime.catalogue import ResolvedAgent
from runtime.engine.lease import Held
from runtime.engine.steps import OpenCall, Situation
from runtime.engine.transcript import Row
from runtime.lifecycle import CallState, RunState
from runtime.models import Event, Run, RunRequest, ThreadMessage, ToolCall
from runtime.models.thread import run_folder, thread_folder

logger = logging.getLogger(__name__)


class Context:
    """One run that is being advanced by this thread."""

    held: Held  #: set as soon as the run is claimed
    run: Run | None = None  #: as the last committed entry left it

    def __init__(self, run_id: str, stopping: threading.Event) -> None:
        """Raises RunRequest.DoesNotExist when the run is gone, WorkspaceError for a broken workspace."""
        self.run_id = run_id
        self.stopping = stopping
        self.thread_id, resolved, state = RunRequest.objects.for_advance(run_id)
        self.queued = state == RunState.QUEUED  #: else somebody took it already
        self.agent: ResolvedAgent = catalogue.current().bind_text(resolved)
        self.pause = 0.0  #: seconds to wait before the next model call
        self._rows: list[Row] = []
        self._read_to: int | None = None
        self._worked: float | None = None  #: seconds, before this claim

    @contextmanager
    def entry(self, *, durable: bool = True) -> Iterator[journal.Entry]:
        """An entry that is refused once the lease is lost."""
        known, self.run = self.run, None
        lease = self.held.lease
        if known is not None and durable:
            begun = journal.prepared(lease, known)
        else:
            begun = journal.entry(self.run_id, lease, durable=durable, known=known)
        with begun as current:
            before = current.run.last_sequence
            yield current
        self.run = current.run
        if before < self.agent.limits.events_warning <= self.run.last_sequence:
            logger.warning(
                "Run %s has %s events; it ends at %s.",
                self.run_id,
                self.run.last_sequence,
                self.agent.limits.events_per_run,
            )

    def situation(self, entry: journal.Entry) -> Situation:
        """Where the run stands, also by what the entry has written so far."""
        return Situation(
            open_calls=tuple(
                OpenCall(call_id, CallState(state), self._repeatable(name))
                for call_id, state, name in ToolCall.objects.unfinished(self.run_id)
            ),
            turns=entry.run.turns,
            max_turns=self.agent.max_turns,
            events=entry.run.last_sequence,
            max_events=self.agent.limits.events_per_run,
            seconds=self._seconds(entry),
            max_seconds=self.agent.limits.run_seconds,
        )

    def _seconds(self, entry: journal.Entry) -> float:
        """Of work, as of an entry: the earlier claims, and this one since it began."""
        if self.agent.limits.run_seconds is None:
            return 0.0
        if self._worked is None:
            self._worked = Event.objects.worked(self.run_id)
        return self._worked + (entry.now - entry.run.state_entered_at).total_seconds()

    def rows(self) -> list[Row]:
        """The thread's messages as the model should see them, as far back as its window can reach.

        Read once; later only what this run added: while it runs, nothing else is added that it should see.
        """
        if self._read_to is None:
            found = ThreadMessage.objects.for_model(self.run_id, self.agent.context_window)
            called = any("tool_calls" in content for _, _, content in found)
            edits = ToolCall.objects.edited(self.thread_id) if called else {}
            self._rows = [Row(role, content, edits.get(pk, {})) for pk, role, content in found]
        else:
            found = ThreadMessage.objects.added(self.run_id, self._read_to)
            self._rows += [Row(role, content, {}) for _, role, content in found]
        self._read_to = max((pk for pk, _, _ in found), default=self._read_to)
        return self._rows

    @property
    def files(self) -> Path:
        """The folder that the tools of this thread see."""
        return thread_folder(self.thread_id) / "files"

    def make_files(self) -> None:
        """Makes that folder when it is missing. A sandbox's uid must pass through what is above it; nobody
        else on the machine learns names or reads files there."""
        if self.files.is_dir():
            return
        thread = thread_folder(self.thread_id)
        for folder, mode in ((thread.parent, 0o711), (thread, 0o711), (self.files, 0o700)):
            if not folder.is_dir():
                folder.mkdir(mode, parents=True, exist_ok=True)
                folder.chmod(mode)  # whatever the umask says

    @property
    def artifacts(self) -> Path:
        """Where this run's artifacts are kept; made by the tool that keeps one."""
        return run_folder(self.thread_id, self.run_id) / "artifacts"

    def _repeatable(self, name: str) -> bool:
        tool: Any = self.agent.tools.get(name)
        return tool is not None and tool.repeatable
