"""Records of a reference database: written as they were there, each once, and how a run of them goes on.

An imported run is never claimed: it has ended, or it waits for a decision. Its events keep their text and
sequence; the chain of hashes is laid over them as they came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from runtime import canonical
from runtime.journal.calls import change
from runtime.journal.create import NewRun, create_run
from runtime.journal.entry import Entry
from runtime.journal.transaction import unit
from runtime.lifecycle import ApprovalStatus, CallState, RunState
from runtime.models import (
    Approval,
    Artifact,
    DecisionRecord,
    Event,
    RecoveryIntent,
    Run,
    RunRequest,
    Thread,
    ThreadMessage,
    Tombstone,
    ToolCall,
)

NEW, UPDATED, THERE = "imported", "updated", "there"
NEWER = "it is newer here"
OURS = "a record of this product has its id"
GONE_ON = "its thread has gone on here"
REPEATED = "another artifact of the run has its path"
DELETED = "its thread was deleted here"
#: What the file may bring up to date in a run that nobody has acted on here.
_STATE = (
    "updated_at",
    "state",
    "previous_state",
    "state_entered_at",
    "last_transition_at",
    "resumable",
    "checkpoint_ref",
    "error",
    "imported_at",
)


def bring_thread(thread: Thread) -> str:
    """NEW or THERE; OURS or DELETED when it cannot be brought."""
    with unit():
        if Tombstone.objects.filter(pk=thread.pk).exists():
            return DELETED
        if not Thread.objects.filter(pk=thread.pk).exists():
            thread.save(force_insert=True)
            return NEW
        runs = Run.objects.filter(thread_id=thread.pk)
        own = runs.filter(imported_at__isnull=True)
        return OURS if own.exists() and not runs.filter(imported_at__isnull=False).exists() else THERE


def bring_run(run: Run, request: RunRequest | None) -> str:
    """NEW, UPDATED or THERE; else why it stays out. Runs of a thread come in the order of their creation."""
    with unit():
        here = Run.objects.select_for_update(no_key=True).filter(pk=run.pk).first()
        thread = Thread.objects.select_for_update(no_key=True).get(pk=run.thread_id)
        if here is not None:
            verdict = _update(here, run, thread)
        elif Run.objects.filter(thread_id=run.thread_id, imported_at__isnull=True).exists():
            return GONE_ON
        else:
            run.position = thread.run_count + 1
            run.save(force_insert=True)
            thread.run_count, thread.latest_run_id = run.position, run.pk
            thread.status, thread.title = run.state, thread.title or run.title
            thread.save()
            verdict = NEW
        if request is not None and verdict in (NEW, UPDATED, THERE):
            _once(request, RunRequest.objects.filter(pk=run.pk).exists())
        return verdict


def _update(here: Run, run: Run, thread: Thread) -> str:
    if here.imported_at is None or here.thread_id != run.thread_id:
        return OURS
    if here.updated_at >= run.updated_at:
        return THERE if here.updated_at == run.updated_at else NEWER
    for name in _STATE:
        setattr(here, name, getattr(run, name))
    here.save(update_fields=_STATE)
    if thread.latest_run_id == here.pk:
        thread.status, thread.updated_at = here.state, max(thread.updated_at, here.updated_at)
        thread.save()
    return UPDATED


def bring_events(run_id: str, events: Sequence[tuple[int, str, str, datetime]]) -> int:
    """Appends what comes after the run's last event, chained to it; gives how many that were."""
    with unit():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        fresh = [event for event in events if event[0] > run.last_sequence or not run.last_hash]
        chained = bytes(run.last_hash)
        rows = []
        for sequence, kind, text, created_at in fresh:
            chained = hashlib.sha256(chained + text.encode()).digest()
            row = Event(
                thread_id=run.thread_id,
                run_id=run_id,
                sequence=sequence,
                type=kind,
                event_json=text,
                hash=chained,
                created_at=created_at,
            )
            rows.append(row)
        if rows:
            Event.objects.bulk_create(rows)
            run.last_sequence, run.last_hash = rows[-1].sequence, chained
            run.save(update_fields=["last_sequence", "last_hash"])
        return len(rows)


def count_messages(thread_id: str) -> int:
    """How many messages of the thread were brought: those of its imported runs and of none, without the
    ones that only carry a call."""
    imported = Q(run__isnull=True) | Q(run__imported_at__isnull=False)
    return ThreadMessage.objects.filter(imported, thread_id=thread_id).exclude(role=CARRIER).count()


CARRIER = "call"  #: role of a message that stands for a reply which did not come along; no one says it


def bring_messages(messages: Sequence[ThreadMessage]) -> int:
    """Writes them in their order."""
    with unit():
        ThreadMessage.objects.bulk_create(messages)
    return len(messages)


def say_output(run_id: str) -> None:
    """A completed run's output is the last thing that its agent said."""
    with unit():
        said = ThreadMessage.objects.filter(run_id=run_id, role="assistant").order_by("-id").first()
        if said is not None and said.text:
            Run.objects.filter(pk=run_id, output__isnull=True, state=RunState.COMPLETED.value).update(
                output=said.text
            )


def bring_approval(approval: Approval, call: ToolCall) -> str:
    """NEW, UPDATED when it was pending here and is not in the file, THERE; OURS for an id that is taken."""
    with unit():
        here = Approval.objects.filter(pk=approval.pk).select_related("run").first()
        if here is not None:
            if here.run_id != approval.run_id or here.run.imported_at is None:
                return OURS
            if here.status != ApprovalStatus.PENDING or approval.status == ApprovalStatus.PENDING:
                return THERE
            Approval.objects.filter(pk=here.pk).update(
                status=approval.status, resolved_at=approval.resolved_at
            )
            ToolCall.objects.filter(pk=here.tool_call_id).update(
                state=call.state, finished_at=call.finished_at
            )
            return UPDATED
        _place(call)
        approval.tool_call = call
        approval.save(force_insert=True)
        return NEW


def _place(call: ToolCall) -> None:
    """Gives the call its id, its place and the message that it hangs on."""
    wanted = call.provider_call_id
    free = 0 < len(wanted) <= 64 and wanted.isprintable() and "/" not in wanted and wanted not in (".", "..")
    if free and not ToolCall.objects.filter(pk=wanted).exists():
        call.tool_call_id = wanted
    call.position = ToolCall.objects.filter(run_id=call.run_id, turn=call.turn).count()
    said = ThreadMessage.objects.filter(run_id=call.run_id, role="assistant").order_by("-id").first()
    call.message = said or ThreadMessage.objects.create(
        thread_id=call.thread_id,
        run_id=call.run_id,
        role=CARRIER,
        content_json={"text": ""},
        created_at=call.requested_at,
    )
    call.save(force_insert=True)


def bring_intent(intent: RecoveryIntent) -> str:
    with unit():
        known = RecoveryIntent.objects.filter(run_id=intent.run_id, approval__isnull=True)
        return _once(intent, known.exists())


def has_artifact(artifact: Artifact) -> bool:
    """Whether it need not be copied."""
    return Artifact.objects.filter(pk=artifact.pk).exists()


def bring_artifact(artifact: Artifact) -> str:
    """Its file is there already. REPEATED when another artifact of the run has its path."""
    with unit():
        here = Artifact.objects.filter(pk=artifact.pk).first()
        if here is not None:
            return THERE if here.run_id == artifact.run_id else OURS
        if Artifact.objects.filter(run_id=artifact.run_id, path=artifact.path).exists():
            return REPEATED
        artifact.save(force_insert=True)
        return NEW


def _once(record: RunRequest | RecoveryIntent, there: bool) -> str:
    if there:
        return THERE
    record.save(force_insert=True)
    return NEW


def go_on(current: Entry, then: NewRun) -> None:
    """Ends an imported run whose approvals are all decided, and starts the one that goes on from it."""
    account = _account(Approval.objects.filter(run_id=current.run.run_id).in_order())
    # Whatever was decided, these calls never run: the agent makes its own.
    for call in ToolCall.objects.filter(run_id=current.run.run_id, finished_at__isnull=True):
        change(call, CallState.CANCELLED, finished_at=current.now)
    new = create_run(replace(then, input=f"{then.input}\n\n{account}"))
    who = "The decision was recorded"
    current.end(
        RunState.CANCELLED,
        "decided; a new run goes on",
        error=f"{who}. This run began on another engine, so the work goes on in the run {new.run_id}.",
    )


def _account(approvals: Iterable[Approval]) -> str:
    """What was decided, told to the model."""
    decided = DecisionRecord.objects.filter(approval_id__in=[approval.pk for approval in approvals])
    lines = []
    for record in decided.order_by("id"):
        line = f"- {record.tool_name} with {_json(record.arguments_before)}: {record.decision}"
        if record.arguments_after != record.arguments_before:
            line += f", with these arguments instead: {_json(record.arguments_after)}"
        said = record.content or record.reason
        lines.append(line + (f". In the reviewer's words: {said}" if said else ""))
    return (
        "This was begun before, and stopped to ask about the calls below. None of them has run. They were "
        "decided as follows; make those calls again that were approved.\n" + "\n".join(lines)
    )


def _json(value: object) -> str:
    return canonical.encode(value).decode()
