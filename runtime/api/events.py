"""`/runs/{run_id}/events` and the permission for `/runs/{run_id}/stream`."""

from __future__ import annotations

import json
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Header, Router
from pydantic import BaseModel, ConfigDict, Field

from runtime import viewing
from runtime.api import paging
from runtime.api.auth import actor
from runtime.api.fields import RecordId
from runtime.api.paging import Page, Paged
from runtime.api.runs import find
from runtime.api.strict import Id, Query
from runtime.events import EventType
from runtime.models import Event

router = Router(tags=["runs"])
LARGEST = 2**31 - 1


class EventRecord(BaseModel):
    """An event; further fields depend on its type."""

    model_config = ConfigDict(extra="allow")

    type: EventType
    thread_id: RecordId
    run_id: RecordId
    sequence: int
    timestamp: str


class EventFilters(Paged):
    after: int = Field(0, ge=0, le=LARGEST, description="Only events with a higher sequence.")
    type: EventType | None = None


class StreamFilters(BaseModel):
    after: int = Field(0, ge=0, le=LARGEST, description="Only events with a higher sequence.")


LastEventId = Annotated[
    str | None,
    Field(pattern=r"^[0-9]{1,9}$"),
    Header(None, alias="Last-Event-ID", description="The last sequence seen; goes before `after`."),
]

STREAM_DOCUMENT = {
    "responses": {
        200: {
            "description": "Server-sent events: `id` is the sequence, `event` the type, `data` the event "
            "as JSON. The stream ends after the terminal state.",
            "content": {
                "text/event-stream": {
                    "schema": {
                        "type": "object",
                        "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
                    },
                    "example": 'id: 1\nevent: run.created\ndata: {"type":"run.created","sequence":1}\n\n',
                }
            },
        }
    }
}


@router.get("/{run_id}/events", response=Page[EventRecord], summary="List a run's events")
def list_events(request: HttpRequest, run_id: Id, filters: Annotated[EventFilters, Query()]) -> HttpResponse:
    """Ascending and without gaps (unless filtered by type)."""
    find(run_id)
    seen = max(filters.after, paging.number("events", filters.cursor) or 0)
    rows = list(Event.objects.of_run(run_id, seen, filters.type)[: filters.limit + 1])
    shown = rows[: filters.limit]
    more = paging.after_number("events", shown[-1].sequence) if len(rows) > len(shown) else None
    # The stored text is the event, byte for byte as it was hashed; nothing is parsed and written again.
    items = ",".join(event.event_json or json.dumps(event.body) for event in shown)
    return HttpResponse(
        f'{{"items":[{items}],"next_cursor":{json.dumps(more)}}}', content_type="application/json"
    )


@router.get("/{run_id}/stream", response={200: None}, summary="Follow a run", openapi_extra=STREAM_DOCUMENT)
def stream(
    request: HttpRequest,
    run_id: Id,
    filters: Annotated[StreamFilters, Query()],
    last_event_id: LastEventId = None,
) -> HttpResponse:
    """Live: what happened so far, then what happens."""
    find(run_id)
    caller = actor(request)
    after = filters.after if last_event_id is None else int(last_event_id)
    grant = {"kind": "api", "run_id": run_id, "after": after, "viewer": viewing.viewer(request, caller)}
    # The server takes the connection from here (harness_site/asgi.py): a stream holds no thread.
    return HttpResponse(headers={"X-Harness-Stream": json.dumps(grant)}, content_type="text/event-stream")
