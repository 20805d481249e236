"""Rows of a reference database as records of ours; what cannot be one raises Skip with the reason. Writes
nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from runtime import canonical
from runtime.lifecycle import TERMINAL, ApprovalStatus, CallState, Decision, RunState
from runtime.models import (
    Approval,
    Artifact,
    RecoveryIntent,
    Run,
    RunRequest,
    Thread,
    ThreadMessage,
    ToolCall,
)
from runtime.models.base import ID_LENGTH
from runtime.tools.artifacts import MAX_PATH_BYTES
from runtime.upkeep.imports.source import Row

TITLE_LENGTH = 120
SECONDS_OR_MILLISECONDS = 100_000_000_000
ID_SHAPE = re.compile(r"[!-.0-~]+")  #: visible ASCII but for the slash
DEEPEST = canonical.MAX_DEPTH - 1  #: what is no object is put into one

CANNOT_GO_ON = (
    "The run was {state} when its records were brought along, and its work cannot be taken over. "
    "Run it again."
)
NOBODY_ASKED = "The run waited for an approval that did not come along with its records. Run it again."
#: What a decided approval says about its call; one that was granted went as its run did.
CALL_STATES = {
    ApprovalStatus.PENDING: CallState.WAITING,
    ApprovalStatus.APPROVED: CallState.COMPLETED,
    ApprovalStatus.EDITED: CallState.COMPLETED,
    ApprovalStatus.REJECTED: CallState.REFUSED,
    ApprovalStatus.EXPIRED: CallState.REFUSED,
    ApprovalStatus.RESPONDED: CallState.ANSWERED,
    ApprovalStatus.CANCELLED: CallState.CANCELLED,
}


class Skip(Exception):
    """The row is left out; `str()` says why."""


def thread(row: Row) -> Thread:
    """The thread as it will be before its runs come."""
    created = moment(row, "created_at")
    return Thread(
        thread_id=identity(row, "thread_id"),
        workspace_id=word(row, "workspace_id", 200) or "default",
        entry_agent_id=word(row, "entry_agent_id", 200),
        status=RunState.COMPLETED.value,
        latest_run_id="",
        created_at=created,
        updated_at=moment(row, "updated_at", created),
    )


def run(row: Row, *, asked: bool, now: datetime) -> Run:
    """`asked`: the file has a pending approval of it. A state that nobody here can take further becomes
    `failed`, with a sentence that says so."""
    was = word(row, "state", 32)
    created = moment(row, "created_at")
    found = Run(
        run_id=identity(row, "run_id"),
        thread_id=identity(row, "thread_id"),
        agent_id=word(row, "agent_id", 200),
        execution_mode=word(row, "execution_mode", 64),
        adapter_kind=None if row["adapter_kind"] is None else word(row, "adapter_kind", 64),
        created_at=created,
        updated_at=moment(row, "updated_at", created),
        state=was,
        previous_state=None if row["previous_state"] is None else word(row, "previous_state", 32),
        state_entered_at=moment(row, "state_entered_at", created),
        last_transition_at=moment(row, "last_transition_at", created),
        resumable=was == RunState.WAITING_FOR_APPROVAL,
        checkpoint_ref=None if row["checkpoint_ref"] is None else word(row, "checkpoint_ref", 128),
        state_reason="brought along",
        imported_at=now,
    )
    if found.previous_state not in {None, *(state.value for state in RunState)}:
        found.previous_state = None
    if was not in {state.value for state in TERMINAL} and not (found.resumable and asked):
        found.state, found.resumable = RunState.FAILED.value, False
        found.previous_state = was if was in {state.value for state in RunState} else None
        found.error = NOBODY_ASKED if was == RunState.WAITING_FOR_APPROVAL else CANNOT_GO_ON.format(state=was)
    return found


def request(row: Row) -> RunRequest:
    value = parsed(row, "request_json")
    if not isinstance(value, dict):
        raise Skip("its request is no JSON object")
    return RunRequest(
        run_id=identity(row, "run_id"),
        thread_id=identity(row, "thread_id"),
        request_json=value,
        saved_at=moment(row, "saved_at"),
        resolved_json={},
    )


def title(value: Any) -> str:
    """The first words of an input."""
    words = " ".join(canonical.plain(value).split())
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "…"


def message(row: Row) -> ThreadMessage:
    """Content that is no object with a text stays as it was below `content`, beside its text. So does one
    with calls: their results are not known here, and no model takes calls without results."""
    value = parsed(row, "content_json")
    ours = isinstance(value, dict) and isinstance(value.get("text"), str) and "tool_calls" not in value
    if not ours:
        value = {"text": canonical.plain(value), "content": value}
    return ThreadMessage(
        thread_id=identity(row, "thread_id"),
        run_id=None if row["run_id"] is None else identity(row, "run_id"),
        role=word(row, "role", 16),
        content_json=value,
        created_at=moment(row, "created_at"),
    )


def event(row: Row) -> tuple[int, str, str, datetime]:
    """(sequence, type, text, time); the text stays as it was."""
    sequence = row["sequence"]
    if not isinstance(sequence, int) or not 0 <= sequence < 2**31:
        raise Skip("its sequence is no number that can be kept")
    text = str(row["event_json"])
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Skip("its event_json is no JSON that can be shown") from None
    kind = value.get("type", "") if isinstance(value, dict) else ""
    if not isinstance(kind, str) or not kind:
        raise Skip("it does not say its type")
    return sequence, canonical.storable(kind)[:32], text, moment(row, "created_at")


def approval(row: Row, of: Run) -> tuple[Approval, ToolCall]:
    """The approval, without any deadline, and the call it is about. In a run that does not wait, nobody is
    asked any more."""
    given = parsed(row, "input_preview_json")
    arguments = given if isinstance(given, dict) else {"input": given}
    status = _status(row, of)
    requested = moment(row, "requested_at")
    tool = word(row, "tool_name", 200)
    resolved = moment(row, "resolved_at", of.updated_at) if status is not ApprovalStatus.PENDING else None
    digest = canonical.call_digest(tool, "", arguments)
    call = ToolCall(
        thread_id=of.thread_id,
        run_id=of.run_id,
        turn=1,
        provider_call_id=canonical.storable(str(row["tool_call_id"] or ""))[:200],
        tool_name=tool,
        raw_arguments=canonical.encode(arguments).decode(),
        arguments_json=canonical.encode(arguments).decode(),
        digest=digest,
        state=_call_state(status, of).value,
        requested_at=requested,
        finished_at=resolved,
    )
    found = Approval(
        approval_id=identity(row, "approval_id"),
        pending_action_id=word(row, "pending_action_id", ID_LENGTH),
        thread_id=of.thread_id,
        run_id=of.run_id,
        tool_name=tool,
        status=status.value,
        requested_at=requested,
        resolved_at=resolved,
        allowed_decisions_json=_allowed(parsed(row, "allowed_decisions_json")),
        input_preview_json=given,
        checkpoint_ref=word(row, "checkpoint_ref", 128),
        event_refs_json=_numbers(parsed(row, "event_refs_json")),
        agent_id=of.agent_id,
        digest=digest,
        expires_at=None,
    )
    return found, call


def intent(row: Row) -> RecoveryIntent:
    return RecoveryIntent(
        run_id=identity(row, "run_id"),
        thread_id=identity(row, "thread_id"),
        intent_json=parsed(row, "intent_json"),
        saved_at=moment(row, "saved_at"),
    )


def artifact(row: Row) -> Artifact:
    """Without its file's name, size and hash."""
    path = word(row, "path", 1000)
    if not path:
        raise Skip("it has no path")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise Skip(f"its path has more than {MAX_PATH_BYTES:,} bytes")
    return Artifact(
        artifact_id=identity(row, "artifact_id"),
        thread_id=identity(row, "thread_id"),
        run_id=identity(row, "run_id"),
        kind=word(row, "kind", 32),
        path=path,
        created_at=moment(row, "created_at"),
    )


def _status(row: Row, of: Run) -> ApprovalStatus:
    try:
        status = ApprovalStatus(row["status"])
    except ValueError:
        return ApprovalStatus.CANCELLED
    open_run = of.state == RunState.WAITING_FOR_APPROVAL
    return status if open_run or status is not ApprovalStatus.PENDING else ApprovalStatus.CANCELLED


def _call_state(status: ApprovalStatus, of: Run) -> CallState:
    state = CALL_STATES[status]
    went = of.state == RunState.COMPLETED or state is not CallState.COMPLETED
    return state if went else CallState.CANCELLED


def _allowed(given: Any) -> list[str]:
    known = [decision.value for decision in Decision]
    found = [value for value in given if value in known] if isinstance(given, list) else []
    return found or [Decision.APPROVE.value, Decision.REJECT.value]


def _numbers(given: Any) -> list[int]:
    found = given if isinstance(given, list) else []
    return [value for value in found if isinstance(value, int) and not isinstance(value, bool)]


# Values


def identity(row: Row, name: str) -> str:
    """An id that can stand in an address, of the API as well, and name a folder."""
    value = row[name]
    if not isinstance(value, str) or not value or len(value) > ID_LENGTH:
        raise Skip(f"its {name} has no 1 to {ID_LENGTH} characters")
    if value in (".", "..") or not ID_SHAPE.fullmatch(value):
        raise Skip(f"its {name} cannot be an id")
    return value


def word(row: Row, name: str, most: int) -> str:
    value = "" if row[name] is None else str(row[name])
    if len(value) > most:
        raise Skip(f"its {name} has more than {most} characters")
    return canonical.storable(value)


def moment(row: Row, name: str, otherwise: datetime | None = None) -> datetime:
    """ISO 8601 (without a zone: UTC), or seconds or milliseconds since 1970."""
    value = row[name]
    if value is None and otherwise is not None:
        return otherwise
    try:
        if isinstance(value, int | float):
            scale = 1000 if abs(value) >= SECONDS_OR_MILLISECONDS else 1
            return datetime.fromtimestamp(value / scale, UTC)
        found = datetime.fromisoformat(str(value))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Skip(f"its {name} is no time") from None


def parsed(row: Row, name: str) -> Any:
    """JSON as it was, as far as it can be kept and shown."""
    text = row[name]
    if not isinstance(text, str):
        raise Skip(f"its {name} is no text")
    try:
        return canonical.parse_mended(text, DEEPEST)
    except canonical.BadJson:
        raise Skip(f"its {name} is no JSON that can be kept") from None
