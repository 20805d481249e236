"""A run's transcript as a page shows it: messages, calls as cards, the text that is streaming, the plan.

A page has room for so much of what models and tools say. The newest messages take it; what is left out, or
cut, is counted and linked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString

from runtime.lifecycle import CallState
from runtime.models import Artifact, Event, Run, ThreadMessage, ToolCall
from runtime.models.event import Streamed
from runtime.web import cards
from runtime.web.markdown import show_markdown
from runtime.web.text import show

SPEAKERS = ("user", "assistant", "call")
ROOM = 250_000  #: characters of HTML, about, for the messages and calls of one page
MESSAGE = 20_000  #: characters of a message that a transcript shows; the message's page has all
STREAMED = 20_000  #: characters of streaming text, the newest; the events have all


@dataclass(slots=True)
class Room:
    """What a page has left for messages and calls. Who is there first may take a little more."""

    left: int = ROOM  #: 0: nothing of them is shown


class Said:
    """A message as far as a transcript shows it."""

    def __init__(self, message: ThreadMessage) -> None:
        self.message = message
        self.text = message.text[:MESSAGE]
        self.more = len(message.text) - len(self.text)
        self.html: SafeString = show(self.text) if message.role == "user" else show_markdown(self.text)


@dataclass(frozen=True, slots=True)
class Item:
    """One message with the calls it made."""

    said: Said
    cards: list[cards.Card]
    named: bool = True  #: False: the one before it is of the same speaker

    @property
    def message(self) -> ThreadMessage:
        return self.said.message


@dataclass(frozen=True, slots=True)
class Transcript:
    """A run, as of event `sequence` or a moment later."""

    run: Run
    sequence: int  #: streamed text is shown up to here; the live stream goes on after it
    items: list[Item]
    streamed: Streamed | None
    before: int = 0  #: not 0: these are older messages, before that one
    left_out: int = 0  #: messages before these
    asked: str = ""  #: what the run was started with
    waits_at: str = ""  #: the call that a person has to look at: to decide, or to say what came of it
    artifacts: list[Artifact] = field(default_factory=list)
    todos: list[dict[str, str]] = field(default_factory=list)

    @property
    def names_stream(self) -> bool:
        """Whether the streaming text is the first of its speaker."""
        return not self.items or self.items[-1].message.role == "user"

    @property
    def stream(self) -> str:
        """The streaming text, its end."""
        return self.streamed.text[-STREAMED:] if self.streamed else ""

    @property
    def stream_before(self) -> int:
        """Characters of it that are not shown."""
        return len(self.streamed.text) - len(self.stream) if self.streamed else 0

    @property
    def done(self) -> int:
        """Steps of the plan that are done."""
        return sum(todo["status"] == "completed" for todo in self.todos)


def of_run(run: Run, room: Room | None = None, before: int = 0) -> Transcript:
    """Reads a run's transcript, as much as there is room for; with `before`, the messages before that one.
    The run's row comes first: what is newer than it can only add."""
    sequence = run.last_sequence
    streamed = Event.objects.streamed(run.run_id, sequence)
    messages = list(ThreadMessage.objects.filter(run_id=run.run_id).order_by("id"))
    artifacts = list(Artifact.objects.filter(run_id=run.run_id).order_by("created_at", "artifact_id"))
    calls = list(ToolCall.objects.filter(run_id=run.run_id).order_by("turn", "position"))
    spoken = [message for message in messages if message.role in SPEAKERS]
    wanted = [message for message in spoken if not before or message.pk < before]
    shown = _newest(wanted, calls, room or Room())
    return Transcript(
        run=run,
        sequence=sequence,
        items=shown,
        streamed=None if before else _still_open(streamed, messages, run),
        before=before,
        left_out=len(wanted) - len(shown),
        asked=next((message.text for message in spoken if message.role == "user"), ""),
        waits_at=_first(calls, CallState.WAITING) or _first(calls, CallState.IN_DOUBT),
        artifacts=artifacts,
        todos=_todos(calls),
    )


def _newest(messages: Sequence[ThreadMessage], calls: Sequence[ToolCall], room: Room) -> list[Item]:
    """The last messages, as many as there is room for, each with all its calls."""
    made: defaultdict[int, list[ToolCall]] = defaultdict(list)
    for call in calls:
        made[call.message_id].append(call)
    said: list[Said] = []
    brief: set[str] = set()
    for message in reversed(messages):
        if room.left <= 0:
            break
        said.insert(0, Said(message))
        room.left -= len(said[0].html) + len(said[0].text)
        for call in made[message.pk]:
            if room.left <= 0:
                brief.add(call.pk)
            room.left -= cards.FRAME if call.pk in brief else cards.weight(call)
    stands = [call for each in said for call in made[each.message.pk]]
    card_of = {card.call.pk: card for card in cards.of_calls(stands, inline=True, brief=brief)}
    before = [None, *said]
    return [
        Item(each, [card_of[call.pk] for call in made[each.message.pk]], _is_named(each, last))
        for each, last in zip(said, before, strict=False)
    ]


def _first(calls: Sequence[ToolCall], state: CallState) -> str:
    return next((call.pk for call in calls if call.state == state), "")


def _is_named(said: Said, before: Said | None) -> bool:
    return before is None or before.message.role != said.message.role


def _still_open(streamed: Streamed | None, messages: list[ThreadMessage], run: Run) -> Streamed | None:
    """The streamed text, unless its reply stands in the transcript already, whole."""
    if streamed is None:
        return None
    if any(m.role == "assistant" and m.created_at >= streamed.started_at for m in messages):
        return None
    return None if run.is_terminal and not streamed.text else streamed


def _todos(calls: Sequence[ToolCall]) -> list[dict[str, str]]:
    """The plan as the model last wrote it."""
    for call in reversed(calls):
        if call.tool_name == "write_todos" and call.state == "completed":
            return _read_todos(call.arguments or {})
    return []


def _read_todos(arguments: Mapping[str, Any]) -> list[dict[str, str]]:
    given = arguments.get("todos")
    return [
        {"content": str(todo.get("content", "")), "status": str(todo.get("status", ""))}
        for todo in (given if isinstance(given, list) else [])
        if isinstance(todo, dict)
    ]
