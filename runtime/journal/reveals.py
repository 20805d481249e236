"""Reveals: who had the masked values of a call shown. Written before they are."""

from __future__ import annotations

from runtime.journal.transaction import unit
from runtime.models import Reveal, ToolCall


def note_reveal(
    call: ToolCall, *, approval_id: str, revealed_by: str, source: str, address: str = ""
) -> None:
    """Writes one row; nothing of what is shown."""
    with unit():
        Reveal.objects.create(
            tool_call_id=call.pk,
            approval_id=approval_id,
            run_id=call.run_id,
            thread_id=call.thread_id,
            tool_name=call.tool_name,
            revealed_by=revealed_by,
            source=source,
            address=address[:64],
        )
