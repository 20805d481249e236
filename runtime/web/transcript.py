"""A run's transcript as a page shows it: messages, calls as cards, the text that is streaming, the plan."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from runtime.models import Artifact, Event, Run, ThreadMessage, ToolCall
from runtime.models.event import Streamed
from runtime.web import cards


@dataclass(frozen=True, slots=True)
class Item:
    """One message with the calls it made."""

    message: ThreadMessage
    cards: list[cards.Card]
    named: bool = True  #: False: the one before it is of the same speaker


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything of one run, as of event `sequence` or a moment later."""

    run: Run
    sequence: int  #: streamed text is shown up to here; the live stream goes on after it
    items: list[Item]
    streamed: Streamed | None
    artifacts: list[Artifact] = field(default_factory=list)
    todos: list[dict[str, str]] = field(default_factory=list)

    @property
    def names_stream(self) -> bool:
        """Whether the streaming text is the first of its speaker."""
        return not self.items or self.items[-1].message.role == "user"

    @property
    def pending(self) -> list[cards.Card]:
        """Cards that wait for a decision."""
        return [card for item in self.items for card in item.cards if card.pending]

    @property
    def done(self) -> int:
        """Steps of the plan that are done."""
        return sum(todo["status"] == "completed" for todo in self.todos)


def of_run(run: Run) -> Transcript:
    """Reads a run's transcript. The run's row comes first: what is newer than it can only add."""
    sequence = run.last_sequence
    streamed = Event.objects.streamed(run.run_id, sequence)
    messages = list(ThreadMessage.objects.filter(run_id=run.run_id).order_by("id"))
    artifacts = list(Artifact.objects.filter(run_id=run.run_id).order_by("created_at", "artifact_id"))
    calls = ToolCall.objects.filter(run_id=run.run_id).order_by("turn", "position")
    by_message: defaultdict[int, list[cards.Card]] = defaultdict(list)
    for card in cards.of_calls(calls):
        by_message[card.call.message_id].append(card)
    said = [m for m in messages if m.role in ("user", "assistant", "call")]
    before = ["", *(m.role for m in said)]
    shown = [Item(m, by_message[m.pk], m.role != last) for m, last in zip(said, before, strict=False)]
    return Transcript(
        run=run,
        sequence=sequence,
        items=shown,
        streamed=_still_open(streamed, messages, run),
        artifacts=artifacts,
        todos=_todos(shown),
    )


def _still_open(streamed: Streamed | None, messages: list[ThreadMessage], run: Run) -> Streamed | None:
    """The streamed text, unless its reply stands in the transcript already, whole."""
    if streamed is None:
        return None
    if any(m.role == "assistant" and m.created_at >= streamed.started_at for m in messages):
        return None
    return None if run.is_terminal and not streamed.text else streamed


def _todos(items: list[Item]) -> list[dict[str, str]]:
    """The plan as the model last wrote it."""
    for item in reversed(items):
        for card in reversed(item.cards):
            if card.call.tool_name == "write_todos" and card.call.state == "completed":
                return _read_todos(card.call.arguments or {})
    return []


def _read_todos(arguments: dict[str, Any]) -> list[dict[str, str]]:
    given = arguments.get("todos")
    return [
        {"content": str(todo.get("content", "")), "status": str(todo.get("status", ""))}
        for todo in (given if isinstance(given, list) else [])
        if isinstance(todo, dict)
    ]
