"""What the steps of one advancing run share: its lease, its agent as resolved at start, its rows."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from runtime import catalogue, journal
from runtime.catalogue import ResolvedAgent
from runtime.engine.lease import Held
from runtime.engine.steps import OpenCall, Situation
from runtime.engine.transcript import Row
from runtime.lifecycle import CallState
from runtime.models import Run, RunRequest, ThreadMessage, ToolCall
from runtime.models.thread import run_folder, thread_folder


class Context:
    """One claimed run."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.lease = held.lease
        resolved = RunRequest.objects.values_list("resolved_json", flat=True).get(pk=self.lease.run_id)
        self.agent: ResolvedAgent = catalogue.current().bind(resolved)

    def entry(self, *, durable: bool = True) -> AbstractContextManager[journal.Entry]:
        """An entry that is refused once the lease is lost."""
        return journal.entry(self.lease.run_id, self.lease, durable=durable)

    def situation(self) -> Situation:
        """Where the run stands, read anew."""
        run = Run.objects.only("turns", "last_sequence").get(pk=self.lease.run_id)
        unfinished = ToolCall.objects.filter(run_id=self.lease.run_id, finished_at__isnull=True)
        calls = unfinished.order_by("turn", "position").values_list("tool_call_id", "state", "tool_name")
        return Situation(
            open_calls=tuple(
                OpenCall(call_id, CallState(state), self._repeatable(name)) for call_id, state, name in calls
            ),
            turns=run.turns,
            max_turns=self.agent.max_turns,
            events=run.last_sequence,
            max_events=self.agent.limits.events_per_run,
        )

    def rows(self) -> list[Row]:
        """The thread's messages as the model should see them: run by run in the order of their creation,
        because a message may be sent while an earlier run still waits."""
        position = Run.objects.values_list("position", flat=True).get(pk=self.lease.run_id)
        messages = ThreadMessage.objects.filter(
            thread_id=self.lease.thread_id, run__position__lte=position
        ).order_by("run__position", "id")
        edits: dict[int, dict[str, str]] = {}
        changed = ToolCall.objects.filter(
            thread_id=self.lease.thread_id, approvals__status="edited"
        ).distinct()
        for message_id, call_id, text in changed.values_list(
            "message_id", "provider_call_id", "arguments_json"
        ):
            edits.setdefault(message_id, {})[call_id] = text or "{}"
        return [
            Row(role, content, edits.get(pk, {}))
            for pk, role, content in messages.values_list("pk", "role", "content_json")
        ]

    @property
    def files(self) -> Path:
        """The folder that the tools of this thread see."""
        return thread_folder(self.lease.thread_id) / "files"

    def make_files(self) -> None:
        """Makes that folder when it is missing. A sandbox's uid must pass through what is above it; nobody
        else on the machine learns names or reads files there."""
        thread = thread_folder(self.lease.thread_id)
        for folder, mode in (
            (thread.parent, 0o711),
            (thread, 0o711),
            (thread / "runs", 0o700),
            (self.files, 0o700),
        ):
            if not folder.is_dir():
                folder.mkdir(mode, parents=True, exist_ok=True)
                folder.chmod(mode)  # whatever the umask says

    @property
    def artifacts(self) -> Path:
        """Where this run's artifacts are kept; made by the tool that keeps one."""
        return run_folder(self.lease.thread_id, self.lease.run_id) / "artifacts"

    def _repeatable(self, name: str) -> bool:
        tool = self.agent.tools.get(name)
        return tool is not None and tool.repeatable
