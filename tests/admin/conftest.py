"""A story that leaves a record of every kind, with hostile words wherever anyone could put some."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runtime import access, journal
from runtime.admin import site
from runtime.admin.record import RecordAdmin
from runtime.journal import workers
from runtime.journal.schema import check_schema
from runtime.lifecycle import CallState, Decision, RunState
from runtime.models import Approval, Artifact, Run, ToolCall
from runtime.upkeep import health, maintenance

#: Would run if it were not escaped, and would hide if it were not marked.
HOSTILE = "<script>alert(1)</script>\u202etxt.exe"

RECORDS = [kind for kind, admin in site._registry.items() if isinstance(admin, RecordAdmin)]


def list_url(kind: type[Model], **query: str) -> str:
    return reverse(f"admin:{kind._meta.app_label}_{kind._meta.model_name}_changelist", query=query)


def page_url(record: Model) -> str:
    kind = type(record)._meta
    return reverse(f"admin:{kind.app_label}_{kind.model_name}_change", args=[record.pk])


def make_run(text: str = HOSTILE, **values: Any) -> Run:
    """A queued run."""
    new = journal.NewRun(input=text, agent_id="direct", execution_mode="one_step", resolved={}, **values)
    return journal.create_run(new)


def propose(run: Run, lease: journal.Lease) -> Approval:
    """Parks the run at a call that a model with bad manners asked for."""
    arguments = {"path": HOSTILE, "content": "a\nb"}
    with journal.entry(run.run_id, lease) as entry:
        message = entry.message("assistant", {"text": HOSTILE, "tool_calls": []}, step="reply")
        gated = journal.GatedCall(
            provider_call_id="c1",
            tool_name=HOSTILE,
            tool_version="1",
            raw_arguments='{"path": "broken',
            arguments=arguments,
            state=CallState.WAITING,
            rule_reason=HOSTILE,
            allowed_decisions=("approve", "reject"),
        )
        journal.propose(entry, message, [gated])
        entry.move(RunState.WAITING_FOR_APPROVAL, "asked")
    return Approval.objects.get(run=run)


def finish(run: Run, approval: Approval) -> None:
    """Carries the approved call out and ends the run."""
    lease = journal.claim(run.run_id, "w1", slots=9, lease_seconds=30.0)
    assert lease is not None
    with journal.entry(run.run_id, lease) as entry:
        call = journal.start(entry, journal.call_of(entry.run.run_id, approval.tool_call_id), worker="w1")
        kept: dict[str, Any] = {
            "path": HOSTILE,
            "stored_name": "a",
            "size": 1,
            "sha256": "0" * 64,
            "kind": "file",
        }
        journal.keep_artifact(entry, call, **kept)
        journal.finish(entry, call, text=HOSTILE)
        entry.end(RunState.COMPLETED, "answered", output=HOSTILE)


@pytest.fixture
def story(administrator: User) -> Run:
    """A finished run with everything that belongs to it, a worker, a token, a link and a log entry."""
    check_schema("test")
    workers.enter(slots=4, version="1")
    health.Sampler().sample(timezone.now())
    run = make_run()
    lease = journal.claim(run.run_id, "w1", slots=9, lease_seconds=30.0)
    assert lease is not None
    unwanted = make_run("unwanted")
    journal.cancel(unwanted.run_id, requested_by="olga", source="page", reason="")
    assert journal.delete_thread(unwanted.thread_id, deleted_by="olga", source="page")
    approval = propose(run, lease)
    verdict = journal.Verdict(
        decision=Decision.APPROVE, digest=approval.digest, decided_by="rene", source="page", reason=HOSTILE
    )
    journal.settle(approval.approval_id, verdict)
    finish(run, approval)
    assert ToolCall.objects.get(run=run).state == CallState.COMPLETED
    assert Artifact.objects.filter(run=run).exists()
    denial: dict[str, Any] = {
        "kind": "person",
        "name": HOSTILE,
        "address": "192.0.2.7",
        "method": "POST",
        "path": HOSTILE,
    }
    journal.note_denial(**denial, status=403, reason="needs the role operator")
    journal.note_reveal(
        ToolCall.objects.get(run=run), approval_id=approval.pk, revealed_by=HOSTILE, source="page"
    )
    access.make_token("robot", ["operator"])
    access.make_sign_in_link(administrator)
    LogEntry.objects.log_actions(
        administrator.pk, User.objects.filter(pk=administrator.pk), CHANGE, "Roles: viewer → operator."
    )
    journal.hold_thread(run.thread_id, reason=HOSTILE, held_by="anna", source="page")
    maintenance.run_pass("checkpoints", requested_by=HOSTILE)
    run.refresh_from_db()
    return run


@pytest.fixture
def desk(client: Client, administrator: User) -> Client:
    """A browser of an administrator by role: neither staff nor superuser."""
    client.force_login(administrator)
    return client
