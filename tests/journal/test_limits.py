"""How many runs of an agent are at work at once, whoever claims them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from runtime import journal
from runtime.lifecycle import CallState, RunState
from runtime.models import Run
from tests.journal.conftest import claim, new_run, propose
from tests.journal.test_races import at_once

pytestmark = pytest.mark.django_db


def due(**limits: int) -> list[str]:
    return Run.objects.claimable(datetime.now(UTC), limits)


def test_it_claims_no_more_than_the_agent_may_have_at_once() -> None:
    runs = [new_run() for _ in range(3)]
    leases = [claim(run, f"w{n}", limits={"direct": 2}) for n, run in enumerate(runs)]
    assert [lease is not None for lease in leases] == [True, True, False]
    assert claim(new_run(agent_id="another"), limits={"direct": 2}) is not None
    assert claim(runs[2], limits={"another": 1}) is not None


def test_it_gives_the_place_of_a_run_that_waits_or_ended_to_the_next() -> None:
    ends, waits, third, fourth = [new_run() for _ in range(4)]
    limits = {"direct": 1}
    lease = claim(ends, limits=limits)
    with journal.entry(ends.run_id, lease) as entry:
        entry.end(RunState.COMPLETED, "done", output="")
    lease = claim(waits, limits=limits)
    assert lease is not None
    assert claim(third, limits=limits) is None
    propose(waits, lease, ("write_file", CallState.WAITING))
    assert claim(third, limits=limits) is not None
    assert claim(fourth, limits=limits) is None


def test_it_lists_the_runs_of_other_agents_past_one_that_is_full() -> None:
    at_work, behind, other = new_run(), new_run(), new_run(agent_id="another")
    assert claim(at_work) is not None
    assert due() == [behind.run_id, other.run_id]
    assert due(direct=1) == [other.run_id]
    assert due(direct=2, another=1) == [behind.run_id, other.run_id]


def test_it_lists_the_urgent_first_then_the_oldest() -> None:
    first, second, urgent = new_run(), new_run(), new_run(priority=1)
    assert due(direct=1) == [urgent.run_id, first.run_id, second.run_id]


@pytest.mark.django_db(transaction=True)
def test_it_holds_when_many_workers_claim_at_once() -> None:
    for _ in range(3):
        runs = [new_run() for _ in range(8)]
        claims = [partial(claim, run, f"w{n}", limits={"direct": 3}) for n, run in enumerate(runs)]
        won = [lease for lease in at_once(claims) if isinstance(lease, journal.Lease)]
        assert len(won) == 3
        for lease in won:
            journal.hand_back(lease, "next round")
        Run.objects.filter(state="queued").update(agent_id="done with")
