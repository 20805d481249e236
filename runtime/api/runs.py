"""`/runs`: start, list, read, cancel, retry, resolve."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Header, Router, Status
from pydantic import BaseModel, ConfigDict, Field

from runtime import actions
from runtime.api import paging
from runtime.api.auth import Needs, actor
from runtime.api.fields import RecordId, Time
from runtime.api.paging import Page, Paged
from runtime.api.problems import Problem
from runtime.api.strict import Body, Id, Moment, Name, Query
from runtime.diagnosis import Act, Cause, Diagnosis
from runtime.lifecycle import RunState
from runtime.models import Run
from runtime.models.rows import one
from runtime.models.search import MOST_RUNS
from runtime.upkeep.causes import diagnoses

router = Router(tags=["runs"])


class Usage(BaseModel):
    """Tokens of all model calls so far."""

    input_tokens: int
    output_tokens: int


class RunRecord(BaseModel):
    """A run."""

    run_id: RecordId
    thread_id: RecordId
    agent_id: str
    execution_mode: str
    adapter_kind: str | None
    state: RunState
    previous_state: RunState | None
    created_at: Time
    updated_at: Time
    state_entered_at: Time
    resumable: bool = Field(description="In a waiting state.")
    checkpoint_ref: str | None
    attempts: int = Field(description="Claims in a row without progress.")
    next_try_at: Time | None = Field(description="When a parked retry is due.")
    output: str | None = Field(description="The answer of a completed run.")
    error: str | None = Field(description="Why a run failed.")
    usage: Usage
    diagnosis: str = Field(
        description="Why the run is where it is, in one sentence for people; its words may change."
    )
    diagnosis_cause: Cause = Field(description="The same in one word, for programs.")
    diagnosis_act: Act = Field(description="What can safely be done next; `wait`: it goes on by itself.")
    parent_run_id: RecordId | None
    retried_from: RecordId | None
    forked_from: RecordId | None
    title: str = Field(description="The first words of the input.")
    requested_by: str
    imported_at: Time | None = Field(description="When it was brought along from a reference database.")
    note: str | None = Field(description="What has to be known before a decision about it.")


#: Fields that are columns of the same name; the others would follow a relation.
_MADE = {
    "usage", "diagnosis", "diagnosis_cause", "diagnosis_act", "retried_from", "forked_from", "note",
}  # fmt: skip
COLUMNS = tuple(RunRecord.model_fields.keys() - _MADE)


class Invocation(Body):
    """What goes along with the input."""

    context: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, Any] = Field(default_factory=dict)
    attachments: list[Any] = Field(default_factory=list)


class StartRun(Body):
    """What is asked of whom."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"input": "write hello to notes.txt", "agent": "orchestra"}]}
    )

    input: str = Field(min_length=1, description="What the agent is asked; at most 200 KB of UTF-8.")
    agent: Name | None = Field(None, description="Left out: the thread's agent, or the default one.")
    thread_id: Id | None = Field(None, description="Left out: a new thread.")
    invocation: Invocation | None = None


class CancelRun(Body):
    """Why, if there is something to say."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "asked the wrong agent"}]})

    reason: str = Field("", max_length=4000)


class ResolveRun(Body):
    """Whether the call in doubt happened."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"outcome": "happened", "result": "The mail is in the outbox."},
                {"outcome": "did_not_happen"},
            ]
        }
    )

    outcome: Literal["happened", "did_not_happen"]
    result: str | None = Field(
        None, description="With happened: what came of it; may be empty. The model reads it."
    )


class RunFilters(Paged):
    state: RunState | None = None
    agent: Name | None = None
    thread: Id | None = None
    q: Name | None = Field(
        None,
        description="Words of input, output or ids; all of them, the last may be a beginning. "
        f"Of the runs that have them, the {MOST_RUNS} newest are found.",
    )
    since: Moment | None = Field(None, description="Changed at this time or later.")
    until: Moment | None = Field(None, description="Changed before this time.")


IdempotencyKey = Annotated[
    str | None,
    Field(min_length=1, max_length=200, pattern=r"^[!-~]+$"),
    Header(
        None,
        alias="Idempotency-Key",
        description="Any text of yours: the same key and body again give the same run; another body, 422.",
    ),
]


@router.post("", auth=Needs("operator"), response={201: RunRecord}, summary="Start a run")
def start_run(
    request: HttpRequest, response: HttpResponse, body: StartRun, idempotency_key: IdempotencyKey = None
) -> Status[dict[str, Any]]:
    """The run is durable when the answer comes; a worker takes it from the queue."""
    run = actions.start_run(
        actor(request),
        body.input,
        agent=body.agent,
        thread_id=body.thread_id,
        invocation=body.invocation.model_dump() if body.invocation else None,
        idempotency_key=idempotency_key,
    )
    response.headers["Location"] = f"{request.path.rstrip('/')}/{run.run_id}"
    return Status(201, show(run))


@router.get("", response=Page[RunRecord], summary="List runs")
def list_runs(request: HttpRequest, filters: Annotated[RunFilters, Query()]) -> Any:
    """The run that changed last comes first."""
    given = filters.model_dump(exclude={"limit", "cursor"})
    rows = Run.objects.matching(**given).for_list(paging.position("runs", filters.cursor))
    found = list(rows[: filters.limit + 1])
    said = diagnoses(found)
    return paging.page(
        found,
        filters.limit,
        lambda run: _show(run, said[run.run_id]),
        lambda run: paging.after("runs", run.updated_at, run.run_id),
    )


@router.get("/{run_id}", response=RunRecord, summary="Read a run")
def read_run(request: HttpRequest, run_id: Id) -> dict[str, Any]:
    return show(find(run_id))


@router.post("/{run_id}/cancel", auth=Needs("operator"), response={202: RunRecord}, summary="Cancel a run")
def cancel_run(request: HttpRequest, run_id: Id, body: CancelRun | None = None) -> Status[dict[str, Any]]:
    """No new tool starts after the answer; a running one is killed. 409 when the run has ended already."""
    reason = body.reason if body else ""
    return Status(202, show(actions.cancel_run(actor(request), run_id, reason)))


@router.post("/{run_id}/retry", auth=Needs("operator"), response={202: RunRecord}, summary="Retry a run")
def retry_run(
    request: HttpRequest, response: HttpResponse, run_id: Id, idempotency_key: IdempotencyKey = None
) -> Status[dict[str, Any]]:
    """A new run of the same request in the same thread, by the agent as it is now; `retried_from` names the
    old one, which stays as it is. 409 while that has not ended."""
    run = actions.retry_run(actor(request), run_id, idempotency_key=idempotency_key)
    response.headers["Location"] = f"{request.path.removesuffix(f'{run_id}/retry')}{run.run_id}"
    return Status(202, show(run))


@router.post(
    "/{run_id}/resolve", auth=Needs("operator"), response={202: RunRecord}, summary="Resolve a run in doubt"
)
def resolve_run(request: HttpRequest, run_id: Id, body: ResolveRun) -> Status[dict[str, Any]]:
    """A crash hid whether a call happened. If it did, `result` stands as its result and the run goes on. If
    it did not, a person is asked again for that call. 409 when nothing of the run is in doubt."""
    return Status(202, show(actions.resolve_run(actor(request), run_id, body.outcome, body.result)))


def find(run_id: str) -> Run:
    """The run; a 404 when there is none."""
    run = one(Run, "run_id = %s", [run_id])
    if run is None:
        raise Problem(404, f"There is no run {run_id}.")
    return run


def show(run: Run) -> dict[str, Any]:
    """The fields of a RunRecord."""
    return _show(run, diagnoses([run])[run.run_id])


def _show(run: Run, said: Diagnosis) -> dict[str, Any]:
    values = {name: getattr(run, name) for name in COLUMNS}
    return values | {
        "usage": {"input_tokens": run.input_tokens, "output_tokens": run.output_tokens},
        "diagnosis": said.sentence,
        "diagnosis_cause": said.cause,
        "diagnosis_act": said.act,
        "retried_from": run.retried_from_id,
        "forked_from": run.forked_from_id,
        "note": run.note or None,
    }
