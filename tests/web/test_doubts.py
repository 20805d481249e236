"""The queue of calls in doubt."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User

from runtime import journal
from runtime.lifecycle import Decision
from runtime.models import Approval, Run
from tests.web.conftest import Ask, Page, start, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def doubtful(ask: Ask) -> Run:
    """A run whose worker was lost in the middle of a call."""
    approval = ask()
    journal.settle(approval.pk, journal.Verdict(Decision.APPROVE, approval.digest, "rene", "page"))
    lease = journal.claim(approval.run_id, "w", slots=9, lease_seconds=30)
    with journal.entry(approval.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, approval.tool_call_id), worker="w")
    with journal.entry(approval.run_id, lease) as entry:
        journal.doubt(entry, approval.tool_call_id)
    return Run.objects.get(pk=approval.run_id)


def test_it_is_empty_when_nothing_is_in_doubt(viewer: User) -> None:
    start("one")
    assert "Nothing is in doubt" in text_of(Page(viewer).get("/doubts/"))


def test_it_shows_the_call_with_its_arguments(viewer: User, doubtful: Run) -> None:
    html = text_of(Page(viewer).get("/doubts/"))
    assert f"/runs/{doubtful.pk}/" in html
    assert "notes.txt" in html
    assert "by the worker <strong>w</strong>" in html
    assert "/resolve/" not in html  # a viewer looks on


def test_it_settles_a_doubt_and_comes_back(operator: User, doubtful: Run) -> None:
    browser = Page(operator)
    answer = browser.send("/doubts/", f"/runs/{doubtful.pk}/resolve/", outcome="happened", result="Seen.")
    assert answer.headers["Location"] == "/doubts/"
    html = text_of(browser.get("/doubts/"))
    assert "Noted. The run goes on from what you said." in html
    assert "Nothing is in doubt" in html


def test_it_says_that_a_new_decision_is_asked_for(operator: User, doubtful: Run) -> None:
    browser = Page(operator)
    browser.send("/doubts/", f"/runs/{doubtful.pk}/resolve/", outcome="did_not_happen")
    html = text_of(browser.get("/doubts/"))
    assert "Noted. A new decision about the call is asked for." in html
    assert f'<a href="/approvals/{Approval.objects.pending().get().pk}/">Open it</a>' in html
    assert "The run goes on" not in html


def test_it_is_reached_from_the_board_and_the_menu(viewer: User) -> None:
    html = text_of(Page(viewer).get("/"))
    assert html.count('href="/doubts/"') >= 2


def test_the_bar_counts_what_is_in_doubt(viewer: User, request: pytest.FixtureRequest) -> None:
    browser = Page(viewer)
    assert 'id="doubt-count" href="/doubts/" hidden' in text_of(browser.get("/runs/"))
    request.getfixturevalue("doubtful")
    for path in ("/runs/", "/approvals/count/"):
        count = re.search(r'id="doubt-count" href="/doubts/"[^>]*>.*?</a>', text_of(browser.get(path)))
        assert count
        assert "hidden" not in count[0].replace('aria-hidden="true"', "")
        assert '</svg>1<span class="unseen"> in doubt' in count[0]
