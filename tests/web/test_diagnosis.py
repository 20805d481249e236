"""The diagnosis on the run's page, with the button of its act."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from runtime import journal
from runtime.events import iso
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


def test_seconds_that_go_on_are_told_from_the_moment_that_stands_beside_them() -> None:
    entered = timezone.now() - timedelta(seconds=10, milliseconds=600)
    said = clocks("Waiting 10 s for approval of <b>, expires 05:10 UTC.", entered)
    time = f'<time datetime="{iso(entered)}" data-form="age">10 s</time>'
    assert said.startswith(f"Waiting {time} for approval of &lt;b&gt;, expires <time ")
    assert clocks("It failed after 10 s.", entered) == "It failed after 10 s."
    assert "<time" not in clocks("Waiting 41 min for approval of x.", entered)


def test_it_says_once_why_a_run_failed(viewer: User) -> None:
    assert shown(viewer, failed(start("one"), Why.INTERNAL)).count("It &lt;b&gt;broke&lt;/b&gt;.") == 1
    long = failed(start("two"), Why.INTERNAL, error="first\nsecond line")
    assert "first\nsecond line" in shown(viewer, long)
    assert "second line" in text_of(Page(viewer).get(f"/threads/{long.thread_id}/"))


def test_it_tells_no_numbers_that_nobody_reported(viewer: User, advance: Advance) -> None:
    html = shown(viewer, failed(start("one"), Why.MODEL_FAILED))
    assert "<dt>Tokens</dt><dd>–</dd>" in html
    assert "<dt>Model answers</dt><dd>0</dd>" in html
    done = advance(start("what is 2 + 2?"))
    Run.objects.filter(pk=done.pk).update(input_tokens=0, output_tokens=0)
    assert "<dt>Tokens</dt><dd>not reported</dd>" in shown(viewer, done)
    assert "<dd>demonstration model</dd>" in shown(viewer, done)
    assert "0 tokens" not in text_of(Page(viewer).get("/runs/"))


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


def test_it_offers_only_a_look_to_whom_may_not_decide(viewer: User, reviewer: User, ask: Ask) -> None:
    run = ask().run
    act = re.compile(r'<a class="button (\w+) wide" id="next-act"[^>]*><svg.*?</svg>([^<]*)</a>')
    assert act.findall(shown(viewer, run)) == [("quiet", "Look at the card")]
    assert act.findall(shown(reviewer, run)) == [("primary", "Decide")]
