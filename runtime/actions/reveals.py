"""What people do to see what is masked: reveal."""

from __future__ import annotations

from runtime import journal
from runtime.access import Actor
from runtime.actions.checks import need
from runtime.actions.errors import NotFound
from runtime.models import ToolCall


def reveal(actor: Actor, call_id: str, *, approval_id: str = "") -> None:
    """Records that the person is about to see what is masked of a call; only then it may be shown.
    `approval_id`: on the card of this approval."""
    need(actor, "operator", "reviewer")
    call = ToolCall.objects.filter(pk=call_id).first()
    if call is None:
        raise NotFound(f"There is no call {call_id[:80]}.")
    journal.note_reveal(
        call,
        approval_id=approval_id,
        revealed_by=actor.name,
        source=actor.source,
        address=actor.address,
    )
