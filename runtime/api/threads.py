"""`/threads`: list, read, delete, and the messages of one."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import BaseModel, ConfigDict, Field

from runtime import actions
from runtime.api import paging
from runtime.api.auth import Needs, actor
from runtime.api.fields import RecordId, Time
from runtime.api.paging import MAX_LIMIT, Page, Paged
from runtime.api.problems import Problem
from runtime.api.strict import Id, Query
from runtime.lifecycle import RunState
from runtime.models import Thread, ThreadMessage

router = Router(tags=["threads"])


class HoldRecord(BaseModel):
    """Nothing of the thread is deleted while this stands."""

    reason: str
    held_by: str
    held_at: Time


class HoldRequest(BaseModel):
    """Why the thread is held."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2_000, description="For people.")


class ThreadRecord(BaseModel):
    """Runs that share one transcript and one folder."""

    thread_id: RecordId
    workspace_id: str
    entry_agent_id: str
    status: RunState = Field(description="The state of its latest run.")
    latest_run_id: RecordId
    created_at: Time
    updated_at: Time
    title: str = Field(description="The first words of its first input.")
    run_count: int
    hold: HoldRecord | None = Field(description="Null unless an administrator holds the thread.")


class MessageRecord(BaseModel):
    """A message as the model sees it."""

    id: str
    role: str = Field(description="user, assistant or tool", examples=["assistant"])
    content: str
    run_id: RecordId | None
    created_at: Time
    tool_calls: list[dict[str, Any]] | None = Field(
        description="Of an assistant: `id`, `name` and `arguments` as the model sent them."
    )
    tool_call_id: str | None = Field(description="Of a tool: the `id` of the call that it answers.")
    tool_name: str | None


class MessageFilters(Paged):
    limit: int = Field(12, ge=1, le=MAX_LIMIT, description="How many messages at most.")


@router.get("", response=Page[ThreadRecord], summary="List threads")
def list_threads(request: HttpRequest, filters: Annotated[Paged, Query()]) -> Any:
    """The thread that changed last comes first."""
    rows = Thread.objects.select_related("hold").for_list(paging.position("threads", filters.cursor))
    return paging.page(
        rows,
        filters.limit,
        _show,
        lambda row: paging.after("threads", row.updated_at, row.thread_id),
    )


@router.get("/{thread_id}", response=ThreadRecord, summary="Read a thread")
def read_thread(request: HttpRequest, thread_id: Id) -> dict[str, Any]:
    return _show(_find(thread_id))


@router.delete("/{thread_id}", auth=Needs("operator"), response={204: None}, summary="Delete a thread")
def delete_thread(request: HttpRequest, thread_id: Id) -> Status[None]:
    """Removes its runs, events, messages, approvals, artifacts and files; an approval that waits goes with
    it. 409 while it is held, or one of its runs is queued, running, waiting for a child or in doubt."""
    actions.delete_thread(actor(request), thread_id)
    return Status(204, None)


@router.post("/{thread_id}/hold", auth=Needs("administrator"), response=ThreadRecord, summary="Hold a thread")
def hold_thread(request: HttpRequest, thread_id: Id, body: HoldRequest) -> dict[str, Any]:
    """Nobody can delete it until the hold is lifted, and maintenance leaves it alone. 409 when it is held."""
    actions.hold_thread(actor(request), thread_id, body.reason)
    return _show(_find(thread_id))


@router.delete(
    "/{thread_id}/hold", auth=Needs("administrator"), response={204: None}, summary="Lift a thread's hold"
)
def lift_hold(request: HttpRequest, thread_id: Id) -> Status[None]:
    """409 when it is not held."""
    actions.lift_hold(actor(request), thread_id)
    return Status(204, None)


@router.get("/{thread_id}/messages", response=Page[MessageRecord], summary="Read a thread's messages")
def list_messages(request: HttpRequest, thread_id: Id, filters: Annotated[MessageFilters, Query()]) -> Any:
    """The newest `limit` messages, oldest first; `next_cursor` leads to earlier ones."""
    _find(thread_id)
    seen = paging.position("messages", filters.cursor)
    before = (seen[0], paging.whole_number(seen[1])) if seen else None
    rows = ThreadMessage.objects.newest(thread_id, filters.limit + 1, before)
    shown = rows[-filters.limit :]
    more = len(rows) > len(shown)
    return {
        "items": [_show_message(row) for row in shown],
        "next_cursor": paging.after("messages", shown[0].created_at, str(shown[0].pk)) if more else None,
    }


def _find(thread_id: str) -> Thread:
    thread = Thread.objects.select_related("hold").filter(pk=thread_id).first()
    if thread is None:
        raise Problem(404, f"There is no thread {thread_id}.")
    return thread


def _show(row: Thread) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in ThreadRecord.model_fields}
    if row.hold is not None:
        shown["hold"] = {name: getattr(row.hold, name) for name in HoldRecord.model_fields}
    return shown


def _show_message(row: ThreadMessage) -> dict[str, Any]:
    content = row.content_json
    return {
        "id": str(row.pk),
        "role": row.role,
        "content": row.text,
        "run_id": row.run_id,
        "created_at": row.created_at,
        "tool_calls": content.get("tool_calls"),
        "tool_call_id": content.get("tool_call_id"),
        "tool_name": content.get("tool_name"),
    }
