"""The rows of a run beside what its events say: each has to be in the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runtime import canonical
from runtime.events import iso
from runtime.journal import shorten
from runtime.journal.create import request_digest
from runtime.journal.settle import rejection
from runtime.lifecycle import ApprovalStatus, RunState
from runtime.models import Run
from runtime.models.message import checkpoint_ref
from runtime.upkeep.verify.rows import Streams
from runtime.upkeep.verify.story import Row, Said, Story

SHOWN = 80  #: characters of a value in a report
_SHORTENED = ("result", "error")


@dataclass(frozen=True)
class Rows:
    """What belongs to one run."""

    messages: list[Row]
    calls: dict[str, Row]
    approvals: dict[str, Row]
    decisions: list[Row]
    artifacts: list[Row]
    checkpoints: list[Row]
    requests: list[Row]

    @classmethod
    def of(cls, run_id: str, streams: Streams) -> Rows:
        """The rows of the run that is next in the streams."""
        return cls(
            messages=list(streams.messages.of(run_id)),
            calls={row["tool_call_id"]: row for row in streams.calls.of(run_id)},
            approvals={row["approval_id"]: row for row in streams.approvals.of(run_id)},
            decisions=list(streams.decisions.of(run_id)),
            artifacts=list(streams.artifacts.of(run_id)),
            checkpoints=list(streams.checkpoints.of(run_id)),
            requests=list(streams.requests.of(run_id)),
        )


def differences(run: Run, story: Story, rows: Rows) -> Iterator[str]:
    """Sentences."""
    yield from (f"Run {run.run_id}: {problem}" for problem in story.problems)
    yield from _run(run, story, rows)
    yield from _calls(story, rows)
    yield from _approvals(run, story, rows)
    yield from _decisions(story, rows)
    if story.whole:
        yield from _table("Artifact", "path", story.artifacts, rows.artifacts)
        yield from (f"Run {run.run_id}: {problem}" for problem in _messages(story, rows.messages))
        yield from (f"Run {run.run_id}: {problem}" for problem in _steps(run, story, rows))


def _run(run: Run, story: Story, rows: Rows) -> Iterator[str]:
    about = f"Run {run.run_id}"
    yield from _fields(about, vars(run), story.run)
    if story.outcome is not None:
        if not _is_digest({"output": run.output, "error": run.error}, story.outcome):
            yield f"{about}: its output or error is not what it ended with."
    elif story.whole and run.state == RunState.COMPLETED:  # an older record: the output is its last message
        said = [_content(row) for row in rows.messages if row["role"] == "assistant"]
        text = str(said[-1].get("text", "")) if said else ""
        if (run.output or "").strip() != text.strip():
            yield f"{about}: its output is not its last message."


def _calls(story: Story, rows: Rows) -> Iterator[str]:
    told = dict(story.calls)
    if story.whole:
        told.update({key: story.unheard() for key in rows.calls.keys() - told.keys()})
    yield from _table("Tool call", "tool_call_id", told, map(_shortened, rows.calls.values()), whole=False)
    for call_id, call in rows.calls.items():
        if _digest(call) != call["digest"]:
            yield f"Tool call {call_id}: its arguments do not fit its digest."


def _shortened(call: Row) -> Row:
    return {**call, **{name: call[name] and shorten(call[name]) for name in _SHORTENED}}


def _digest(call: Row) -> str:
    """As `canonical.call_digest`, of the arguments as their bytes are."""
    arguments = "null" if call["arguments_json"] is None else call["arguments_json"]
    rest = canonical.encode({"tool": call["tool_name"], "version": call["tool_version"]})
    return hashlib.sha256(b'{"arguments":' + arguments.encode() + b"," + rest[1:]).hexdigest()


def _approvals(run: Run, story: Story, rows: Rows) -> Iterator[str]:
    yield from _table("Approval", "approval_id", story.approvals, rows.approvals.values(), whole=story.whole)
    for approval_id, row in rows.approvals.items():
        about = f"Approval {approval_id}"
        pending = row["status"] == ApprovalStatus.PENDING
        if pending and row["resolved_at"] is not None:
            yield f"{about}: it is pending, yet has a time of resolution."
        if story.whole:
            if not _fits(row["input_preview_json"], row["digest"], rows.calls.get(row["tool_call_id"])):
                yield f"{about}: what it shows does not fit its digest."
            if row["agent_id"] != run.agent_id:
                yield f"{about}: it is not of the run's agent."
        elif approval_id not in story.approvals and not pending and not _decided_elsewhere(run, row):
            yield f"{about}: it is {row['status']}, and no event says so."


def _decided_elsewhere(run: Run, row: Row) -> bool:
    """Before it was brought along; who decided it is not known here."""
    brought, decided = run.imported_at, row["resolved_at"]
    return brought is not None and decided is not None and decided <= brought


def _fits(arguments: Any, digest: str, call: Row | None) -> bool:
    """Whether these arguments of the call have this digest."""
    if call is None:
        return True  # that it is gone is said of the call
    asked = {"tool": call["tool_name"], "version": call["tool_version"], "arguments": arguments}
    return _is_digest(asked, digest)


def _is_digest(value: Any, digest: str) -> bool:
    try:
        return canonical.digest(value) == digest
    except canonical.BadJson:
        return False


def _content(message: Row) -> dict[str, Any]:
    content = message["content_json"]
    return content if isinstance(content, dict) else {}


def _decisions(story: Story, rows: Rows) -> Iterator[str]:
    """There is one for each approval that a person settled here; it tells of what was shown and what became
    of it."""
    yield from _table("Decision on", "approval_id", story.decisions, rows.decisions)
    for row in rows.decisions:
        approval, shown = rows.approvals.get(row["approval_id"]), story.shown.get(row["approval_id"])
        if approval is None or shown is None:
            continue  # said already
        about, call = f"Decision on {row['approval_id']}", rows.calls.get(row["tool_call_id"])
        if row["digest"] != approval["digest"] or not _fits(row["arguments_before"], row["digest"], call):
            yield f"{about}: it is not about what was shown."
        made = shown["made"] or (None if row["decision"] == "edit" else row["digest"])
        if made is not None and not _fits(row["arguments_after"], made, call):
            yield f"{about}: its arguments are not those that were decided."
        if shown["content"] is not None and not _is_digest(row["content"], shown["content"]):
            yield f"{about}: its content is not what was said."
        if story.digests and call is not None and not _is_told(row, call, rows):
            yield f"{about}: the answer of its call is not what was said."


def _is_told(decision: Row, call: Row, rows: Rows) -> bool:
    """Whether the model is told what the person said; of a call that was asked about again, the last time."""
    last = [row for row in rows.decisions if row["tool_call_id"] == decision["tool_call_id"]][-1]
    told = {"reject": rejection(decision["reason"]), "respond": decision["content"] or ""}
    if last is not decision or decision["decision"] not in told:
        return True
    return bool(told[decision["decision"]] == call["answer"])


def _messages(story: Story, rows: list[Row]) -> Iterator[str]:
    """What is wrong with the messages, which are there in the order of their events."""
    left = iter(rows)
    row = next(left, None)
    for number, said in enumerate(story.messages, 1):
        if not said.sure and (row is None or row["role"] != said.role or iso(row["created_at"]) != said.at):
            continue
        if row is None:
            yield f"message {number}, of the {said.role}, is missing."
            return
        if not _is(row, said, story.thread_id):
            yield f"message {row['id']} is not what its event came with, or one before it is missing."
            return
        row = next(left, None)
    if row is not None:
        yield f"message {row['id']} came with no event."


def _is(row: Row, said: Said, thread_id: str) -> bool:
    if (row["role"], iso(row["created_at"]), row["thread_id"]) != (said.role, said.at, thread_id):
        return False
    return said.digest is None or _is_digest(row["content_json"], said.digest)


def _steps(run: Run, story: Story, rows: Rows) -> Iterator[str]:
    """What is wrong with the run's steps: its request, the calls of its replies, its checkpoints."""
    asked = [canonical.storable_all(dict(row["request_json"]).get("input")) for row in rows.requests]
    if asked != [_content(row).get("text") for row in rows.messages[:1]]:
        yield "its request is not its first message."
    elif rows.requests[0]["requested_by"] != run.requested_by:
        yield "its request is not of the one who asked."
    elif story.request is not None and not _is_asked(rows.requests[0], story.request):
        yield "its request, or the agent it was made for, is not what it was."
    if len(rows.messages) != run.steps or run.checkpoint_ref not in (None, checkpoint_ref(run.pk, run.steps)):
        yield f"the row counts {run.steps} steps to {run.checkpoint_ref}, {len(rows.messages)} are there."
    bounds = [(n, checkpoint_ref(run.pk, n), row["id"]) for n, row in enumerate(rows.messages, 1)]
    kept = [(row["step"], row["checkpoint_ref"], row["message_id"]) for row in rows.checkpoints]
    if kept != ([] if run.checkpoint_ref is None else bounds):
        yield "its checkpoints are not those of its messages."
    yield from _replies(story, rows)


def _is_asked(request: Row, digest: str) -> bool:
    try:
        return request_digest(request["request_json"], request["resolved_json"]) == digest
    except canonical.BadJson:
        return False


def _replies(story: Story, rows: Rows) -> Iterator[str]:
    """Each call is one of a reply, and each call of a reply is there."""
    replies = [row for row in rows.messages if row["role"] == "assistant"]
    asked = [
        (turn, position, replies[turn - 1]["id"], call["id"], call["name"], call["arguments"])
        for turn in range(1, min(len(story.turns), len(replies)) + 1)
        for position, call in enumerate(_content(replies[turn - 1]).get("tool_calls", ()))
    ]
    told = [count for count in story.turns if count is not None]
    if len(told) == len(story.turns) and sum(told) != len(asked):
        yield f"its replies have {len(asked)} tool calls, the events say {sum(told)}."
    names = ("turn", "position", "message_id", "provider_call_id", "tool_name", "raw_arguments")
    if asked != [tuple(call[name] for name in names) for call in rows.calls.values()]:
        yield "its tool calls are not those of its replies."


def _table(
    what: str, key: str, told: Mapping[str, Row], rows: Iterable[Row], *, whole: bool = True
) -> Iterator[str]:
    """Every row has to be what the events tell; all of these are there, and, when `whole`, no other."""
    found: set[str] = set()
    for row in rows:
        about, expected = f"{what} {row[key]}", told.get(row[key])
        if row[key] in found or (expected is None and whole):
            yield f"{about}: no event tells of it."
        elif expected is not None:
            yield from _fields(about, row, expected)
        found.add(row[key])
    for name in told.keys() - found:
        yield f"{what} {name}: the events tell of it, and it is not there."


def _fields(about: str, row: Mapping[str, Any], told: Row) -> Iterator[str]:
    for name, expected in told.items():
        value = iso(row[name]) if isinstance(row[name], datetime) else row[name]
        if value in expected if isinstance(expected, frozenset) else value == expected:
            continue
        yield f"{about}: its {name} is {_cut(value)}, the events say {_cut(expected)}."


def _cut(value: Any) -> str:
    text = " or ".join(sorted(map(str, value))) if isinstance(value, frozenset) else str(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
