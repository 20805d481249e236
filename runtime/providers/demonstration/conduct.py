"""Chooses the demonstration model's next reply. Pure and without memory: after a crash, the same transcript
goes on in the same way."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from runtime.providers.base import Message
from runtime.providers.demonstration.script import PREFIX, script_turn
from runtime.providers.demonstration.telling import account, announcement, plan_account, plan_announcement
from runtime.providers.demonstration.turns import (
    PLANNER,
    Progress,
    Turn,
    call_of,
    next_calls,
    progress,
    results,
    todo_call,
)
from runtime.providers.demonstration.understand import Understanding, understand


def next_turn(messages: Sequence[Message], offered: Collection[str]) -> Turn:
    """The next reply, given the transcript and the names of the tools."""
    last = max((index for index, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        return Turn(account([]))
    text, since = messages[last].content, messages[last + 1 :]
    replies = [message for message in since if message.role == "assistant"]
    if text.lstrip().startswith(PREFIX):
        return script_turn(text, len(replies))
    understanding = understand(text)
    steps = progress(understanding.wishes, list(results(since)), offered)
    if understanding.plan:
        return _planned(understanding, steps, replies, PLANNER in offered)
    batch = next_calls(steps)
    if batch:
        return Turn(announcement(batch, first=not replies), tuple(map(call_of, batch)))
    return Turn(account(steps))


def _planned(
    understanding: Understanding, steps: Sequence[Progress], replies: Sequence[Message], keeps_todos: bool
) -> Turn:
    """One step for each reply, and the list of todos before and after it."""
    batch = next_calls(steps)[:1]
    keep = (todo_call(steps),) if keeps_todos else ()
    if not replies and keep:
        return Turn(plan_announcement(understanding), keep)
    if batch:
        first = len(replies) <= len(keep)
        # The list that the first reply made already says that this step is under way.
        calls = (*(() if first else keep), call_of(batch[0]))
        return Turn(announcement(batch, first), calls)
    stepped = any(call.name != PLANNER for call in replies[-1].tool_calls) if replies else False
    if keep and stepped:
        return Turn("I note how far the plan is.", keep)
    return Turn(plan_account(understanding, steps))
