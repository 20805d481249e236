"""What people do to runs: start, cancel, retry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from runtime import canonical, catalogue, journal, reserve
from runtime.access import Actor
from runtime.actions.checks import json_object, need, present, text
from runtime.actions.errors import Conflict, Invalid, NoRoom, NotFound
from runtime.lifecycle import IllegalMove
from runtime.models import Run, RunRequest, Thread
from runtime.workspace import AgentSpec

MAX_REASON_BYTES = 4_000
MAX_KEY = 200
INVOCATION_KEYS = {"context", "inputs", "attachments"}


def start_run(
    actor: Actor,
    input: str,  # noqa: A002 - the word of the API
    *,
    agent: str | None = None,
    thread_id: str | None = None,
    invocation: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Run:
    """Queues a run durably. Without `agent`: the thread's own, or the workspace's default.

    With an idempotency key that this actor used before: the same run for the same request, else Invalid.
    """
    need(actor, "operator")
    known = present()
    limit = known.workspace.limits.prompt_bytes
    asked = text("input", input, most_bytes=limit)
    thread = _thread(thread_id)
    try:
        spec = known.agent(agent or (thread.entry_agent_id if thread else None))
    except catalogue.UnknownAgent as error:
        raise Invalid.field("agent", str(error)) from error
    extra = _invocation(invocation)
    body = {"input": asked, "agent": agent, "thread_id": thread_id, "invocation": extra}
    new = journal.NewRun(
        input=asked,
        agent_id=spec.name,
        execution_mode=spec.execution_mode,
        adapter_kind=spec.adapter_kind,
        resolved=known.resolve(spec.name),
        invocation=extra,
        thread_id=thread_id,
        requested_by=actor.name,
        source=actor.source,
        address=actor.address,
        idempotency_key=_key(idempotency_key),
        body_digest=canonical.digest(body),
    )
    return _create(new)


def cancel_run(actor: Actor, run_id: str, reason: str = "") -> Run:
    """Ends a run in whatever state it is; Conflict when it has ended already."""
    need(actor, "operator")
    why = text("reason", reason, most_bytes=MAX_REASON_BYTES, required=False)
    try:
        journal.cancel(
            run_id, requested_by=actor.name, source=actor.source, address=actor.address, reason=why
        )
    except journal.RunGone as error:
        raise NotFound(f"There is no run {run_id}.") from error
    except IllegalMove as error:
        state = _read(run_id).state
        raise Conflict(f"The run is {state} already.", extra={"state": state}) from error
    return _read(run_id)


def retry_run(actor: Actor, run_id: str, *, idempotency_key: str | None = None) -> Run:
    """A new run of the same request in the same thread, with the agent as it is now. Conflict while the run
    has not ended. With an idempotency key that this actor used before: the same new run."""
    need(actor, "operator")
    run = _read(run_id)
    asked = RunRequest.objects.filter(pk=run_id).first()
    if not _words(asked).strip():
        raise Conflict("Nothing is known of what this run was asked; start a new one.")
    if not run.is_terminal:
        raise Conflict(f"The run is {run.state}; cancel it before you retry it.", extra={"state": run.state})
    known = present()
    try:
        spec = known.agent(run.agent_id)
    except catalogue.UnknownAgent as error:
        raise Conflict(str(error)) from error
    new = _repeated(actor, run, asked, known, spec)
    body = canonical.digest({"retried_from": run.run_id})
    new = replace(new, priority=run.priority, idempotency_key=_key(idempotency_key), body_digest=body)
    return _create(new)


def _read(run_id: str) -> Run:
    """As it is now; somebody may have deleted its thread a moment ago."""
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"There is no run {run_id[:80]}.")
    return run


def continuation(actor: Actor, run: Run) -> journal.NewRun:
    """What goes on from an imported run: its request, by its agent if there is one of that name, else by the
    default one."""
    known = present()
    try:
        spec = known.agent(run.agent_id)
    except catalogue.UnknownAgent:
        spec = known.agent(None)
    asked = RunRequest.objects.filter(pk=run.run_id).first()
    return _repeated(actor, run, asked, known, spec)


def _repeated(
    actor: Actor, run: Run, asked: RunRequest | None, known: catalogue.Catalogue, spec: AgentSpec
) -> journal.NewRun:
    """What a run was asked, once more in its thread, by an agent as it is now."""
    return journal.NewRun(
        input=_words(asked) or run.title,
        agent_id=spec.name,
        execution_mode=spec.execution_mode,
        adapter_kind=spec.adapter_kind,
        resolved=known.resolve(spec.name),
        invocation=_invocation_of(asked),
        thread_id=run.thread_id,
        requested_by=actor.name,
        source=actor.source,
        address=actor.address,
        retried_from=run.run_id,
    )


def _words(asked: RunRequest | None) -> str:
    """The input of a request; one that was brought along may hold it as messages or parts."""
    given = asked.request_json.get("input", "") if asked else ""
    return given if isinstance(given, str) else canonical.plain(given)


def _invocation_of(asked: RunRequest | None) -> dict[str, Any]:
    given = asked.request_json.get("invocation") if asked else None
    return {name: given[name] for name in INVOCATION_KEYS & given.keys()} if isinstance(given, dict) else {}


def _create(new: journal.NewRun) -> Run:
    """The run; the earlier one when this is the same request again."""
    earlier = _same_request(new)
    if earlier is not None:
        return earlier
    if reserve.is_spent(settings.DATA_DIR):
        raise NoRoom("The disk is full: nothing new is started until there is room again.")
    try:
        return journal.create_run(new)
    except journal.ThreadGone as error:
        raise NotFound(str(error)) from error
    except IntegrityError:
        # Two equal requests at once: one created the run, the other finds it.
        winner = _same_request(new)
        if winner is None:
            raise
        return winner


def _thread(thread_id: str | None) -> Thread | None:
    if thread_id is None:
        return None
    thread = Thread.objects.filter(pk=thread_id).first()
    if thread is None:
        raise NotFound(f"There is no thread {thread_id[:80]}.")
    return thread


def _invocation(value: dict[str, Any] | None) -> dict[str, Any]:
    if value is None:
        return {}
    found = json_object("invocation", value)
    unknown = found.keys() - INVOCATION_KEYS
    if unknown:
        known = ", ".join(sorted(INVOCATION_KEYS))
        raise Invalid.field("invocation", f"invocation has {sorted(unknown)[0]!r}; it may hold {known}.")
    return found


def _key(value: str | None) -> str | None:
    if value is None:
        return None
    if not value.strip() or len(value) > MAX_KEY or not value.isprintable():
        raise Invalid.field(
            "Idempotency-Key", f"The Idempotency-Key must have 1 to {MAX_KEY} printable characters."
        )
    return value


def _same_request(new: journal.NewRun) -> Run | None:
    if new.idempotency_key is None:
        return None
    found = (
        RunRequest.objects.filter(requested_by=new.requested_by, idempotency_key=new.idempotency_key)
        .select_related("run")
        .first()
    )
    if found is None:
        return None
    if found.body_digest != new.body_digest:
        raise Invalid.field("Idempotency-Key", "This Idempotency-Key was used before with another request.")
    return found.run
