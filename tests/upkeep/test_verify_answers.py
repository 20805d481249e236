"""What the model is told in the place of a result is what a person said, or a deadline."""

from __future__ import annotations

import pytest

from runtime import journal
from runtime.events import EventType
from runtime.lifecycle import CallState
from runtime.models import Run
from runtime.providers import MOST_TOKENS
from runtime.upkeep.verify import verify
from tests.engine.conftest import start
from tests.journal.conftest import claim, new_run, propose, verdict
from tests.upkeep.test_verify import force

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("decision", ["reject", "respond", "expire"])
def test_it_finds_an_answer_that_was_changed(decision: str) -> None:
    run = new_run()
    lease = claim(run)
    assert lease is not None
    [call] = propose(run, lease, ("write_file", CallState.WAITING), expires_after_seconds=0)
    asked = call.approvals.get()
    if decision == "expire":
        assert journal.expire(asked.pk)
    else:
        given = {"content": "Keep the file."} if decision == "respond" else {"reason": "Never do that."}
        journal.settle(asked.pk, verdict(asked, decision, **given))
    assert verify().differences == []
    force("UPDATE tool_calls SET answer = 'Delete everything.'")
    assert [found for found in verify().differences if "Counter" not in found]


def test_it_counts_tokens_as_the_records_can_hold_them() -> None:
    run = start("hello")
    lease = claim(run)
    for _ in range(2):
        with journal.entry(run.run_id, lease) as entry:
            tokens = min(entry.run.input_tokens + MOST_TOKENS, MOST_TOKENS)
            entry.set(input_tokens=tokens)
            entry.set(turns=entry.run.turns + 1)
            said = entry.message("assistant", {"text": "x"}, step="reply")
            entry.note(
                EventType.MODEL_COMPLETED,
                call=entry.run.turns,
                usage={"input_tokens": MOST_TOKENS},
                message_digest=said.digest,
            )
    assert Run.objects.get().input_tokens == MOST_TOKENS
    assert verify().differences == []
