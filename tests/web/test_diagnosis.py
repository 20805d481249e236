"""The diagnosis on the run's page, with the button of its act."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from runtime import journal
from runtime.lifecycle import RunState, Why
from runtime.models import Run
from runtime.web.tags import clocks
from tests.web.conftest import Advance, Ask, Page, start, text_of

pytestmark = pytest.mark.django_db


def shown(user: User, run: Run) -> str:
    """The run's page."""
    return text_of(Page(user).get(f"/runs/{run.pk}/"))


def failed(run: Run, why: Why, fault: str = "", error: str = "It <b>broke</b>.") -> Run:
    lease = journal.claim(run.pk, "w", slots=9, lease_seconds=30)
    with journal.entry(run.pk, lease) as entry:
        entry.set(fault=fault)
        entry.end(RunState.FAILED, why, error=error)
    return run


def test_it_says_what_a_run_waits_for_and_leads_there(reviewer: User, ask: Ask) -> None:
    approval = ask()
    html = shown(reviewer, approval.run)
    assert "for approval of write_file." in html
    assert f'href="/runs/{approval.run_id}/#c-{approval.tool_call_id}"' in html


def test_it_opens_the_run_that_has_to_end_first(viewer: User) -> None:
    first = start("one")
    html = shown(viewer, start("two", thread_id=first.thread_id))
    assert "Waits for an earlier run of its thread, which is queued." in html
    assert f'id="next-act" href="/runs/{first.pk}/"' in html


def test_it_tells_how_to_start_a_worker(viewer: User) -> None:
    html = shown(viewer, start("one"))
    assert "<code>python3 manage.py up</code> starts one." in html
    assert 'id="next-act" href="/health/#workers-title"' in html
    assert 'id="workers-title"' in text_of(Page(viewer).get("/health/"))


def test_it_tells_moments_so_that_a_script_can_put_them_into_the_viewers_zone() -> None:
    said = clocks("<b> is tried again at 2026-03-01 05:10 UTC.")
    assert said == (
        '&lt;b&gt; is tried again at <time datetime="2026-03-01T05:10:00.000000Z" data-form="clock">'
        "2026-03-01 05:10 UTC</time>."
    )
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert f'"{today}T23:59:58.000000Z" data-form="seconds">23:59:58 UTC<' in clocks("next try 23:59:58 UTC")
    assert clocks("no time: 25:61 UTC, 12:00") == "no time: 25:61 UTC, 12:00"


def test_it_escapes_what_the_error_says(viewer: User) -> None:
    html = shown(viewer, failed(start("one"), Why.INTERNAL))
    assert "<b>broke" not in html
    assert "&lt;b&gt;broke" in html


@pytest.mark.parametrize(
    ("why", "fault", "address"),
    [
        (Why.MODEL_FAILED, "key_refused", 'id="next-act" href="/agents/"'),
        (Why.MODEL_FAILED, "context_overflow", 'id="next-act" href="/?input=one#composer"'),
        (Why.CUT, "", 'id="next-act" href="/threads/{thread}/#end"'),
        (Why.POISON, "", 'id="next-act" href="/runs/{run}/events/"'),
        (Why.MODEL_FAILED, "rate_limited", 'action="/runs/{run}/retry/"'),
    ],
)
def test_it_offers_the_act_that_helps(operator: User, why: Why, fault: str, address: str) -> None:
    run = failed(start("one"), why, fault)
    assert address.format(run=run.pk, thread=run.thread_id) in shown(operator, run)


def test_it_offers_a_viewer_nothing_he_may_not_do(viewer: User) -> None:
    html = shown(viewer, failed(start("one"), Why.CUT))
    assert "next-act" not in html
    assert "/retry/" not in html


def test_it_needs_nothing_after_an_answer(operator: User, advance: Advance) -> None:
    html = shown(operator, advance(start("what is 2 + 2?")))
    assert "Done after " in html
    assert "next-act" not in html
