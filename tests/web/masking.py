"""Calls that hold what looks secret. The request says it in escapes: what people say is not masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime.models import Approval, Run
from tests.web.conftest import Advance, Page, call, script, start, text_of

KEY = "AKIAABCDEFGHIJKLMNOP"
TOKEN = "ghp_abcdefghij0123456789abcdefghij"  # noqa: S105 - it only looks like one
BODY = "MIIEowIBAAKCAQEAsecretsecret"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"
MASK = "[looks secret: 20 characters]"
REVEAL = "Show what is masked"

Hold = Callable[..., Approval]
ESCAPED = {"AKIA": "\\u0041KIA", "ghp_": "\\u0067hp_", "-----BEGIN": "\\u002d----BEGIN"}


def escaped(text: str) -> str:
    for plain, other in ESCAPED.items():
        text = text.replace(plain, other)
    return text


def run_of(*calls: dict[str, Any], agent: str = "direct") -> Run:
    """A queued run whose model makes these calls at once."""
    said = script({"text": "I will.", "tool_calls": list(calls)}, {"text": "Done."})
    return start(escaped(said), agent)


@pytest.fixture
def hold(advance: Advance) -> Hold:
    """Makes a run that waits for a decision about a call; gives the approval."""

    def make(tool: str = "write_file", **arguments: Any) -> Approval:
        given = arguments or {"path": "notes.txt", "content": f"key = {KEY}\n"}
        return Approval.objects.get(run=advance(run_of(call(tool, **given))))

    return make


def at(approval: Approval) -> str:
    return f"/approvals/{approval.pk}/"


def reveal(user: User, approval: Approval) -> Any:
    """Presses the button on the card."""
    return Page(user).send(at(approval), f"{at(approval)}reveal/")


def pages(approval: Approval) -> list[str]:
    """Every page that shows something of the call."""
    run, call_id = approval.run, approval.tool_call_id
    return [
        *(at(approval), "/approvals/", "/approvals/?status=all", "/approvals/rows/?status=all", "/"),
        *(f"/runs/{run.pk}/", f"/runs/{run.pk}/transcript/", f"/runs/{run.pk}/panel/"),
        *(f"/runs/{run.pk}/events/", f"/runs/{run.pk}/waterfall/", f"/runs/{run.pk}/calls/{call_id}/"),
        *(f"/threads/{run.thread_id}/", f"/threads/{run.thread_id}/talk/", "/doubts/", "/runs/"),
    ]


def html_of(user: User, path: str) -> str:
    answer = Page(user).get(path)
    assert answer.status_code == 200, path
    return text_of(answer)
