"""Threads: the conversation across runs and its next message."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runtime.models import Run, Thread
from tests.web.conftest import Advance, Ask, Page, start, text_of

pytestmark = pytest.mark.django_db


def test_it_shows_the_conversation_and_goes_on_with_it(operator: User, advance: Advance) -> None:
    first = advance(start("what is 2 + 2?"))
    path = f"/threads/{first.thread_id}/"
    browser = Page(operator)
    answer = browser.send(path, f"{path}send/", input="what is 3 + 3?")
    assert answer.headers["Location"] == f"{path}#end"
    second = Run.objects.get(position=2)
    assert (second.thread_id, second.agent_id, second.requested_by) == (first.thread_id, "direct", "olga")
    advance(second)
    html = text_of(browser.get(path))
    assert html.index("what is 2 + 2?") < html.index("what is 3 + 3?")
    assert "2 runs" in text_of(browser.get("/threads/"))


def test_it_takes_a_message_while_a_run_waits(operator: User, ask: Ask) -> None:
    run = ask().run
    path = f"/threads/{run.thread_id}/"
    browser = Page(operator)
    assert browser.send(path, f"{path}send/", input="and then?").status_code == 302
    html = text_of(browser.get(path))
    assert "and then?" in html
    assert html.count("hx-sse:connect") == 1
    assert f"/runs/{run.pk}/stream" in html
    blocked = Run.objects.get(position=2)
    assert "an earlier run" in text_of(browser.get(f"/runs/{blocked.pk}/"))


def test_it_keeps_what_was_typed_when_it_is_refused(operator: User, advance: Advance) -> None:
    run = advance(start("what is 2 + 2?"))
    path = f"/threads/{run.thread_id}/"
    answer = Page(operator).send(path, f"{path}send/", input="x <kept>", agent="nobody")
    assert answer.status_code == 422
    assert "x &lt;kept&gt;" in text_of(answer)
    assert "There is no agent" in text_of(answer)
    assert Run.objects.count() == 1


def test_it_leaves_out_old_runs_and_says_so(viewer: User) -> None:
    first = start("what is 1 + 1?")
    for number in range(13):
        start(f"what is {number} + 1?", thread_id=first.thread_id)
    path = f"/threads/{first.thread_id}/"
    assert "2 earlier runs" in text_of(Page(viewer).get(path))
    assert "earlier run" not in text_of(Page(viewer).get(f"{path}?before=3"))


def test_it_finds_a_thread_by_its_words(viewer: User) -> None:
    start("Bees and flowers")
    start("Something else")
    html = text_of(Page(viewer).get("/threads/?q=bees"))
    assert "Bees and flowers" in html
    assert "Something else" not in html
    assert Thread.objects.count() == 2


def test_it_pages_back_through_a_long_thread(viewer: User) -> None:
    first = start("run 1")
    for number in range(2, 31):
        start(f"run {number}", thread_id=first.thread_id)
    browser, path, seen = Page(viewer), f"/threads/{first.thread_id}/", []
    query = ""
    for _ in range(4):
        html = text_of(browser.get(path + query))
        found = re.findall(r">(run \d+)<", html)
        assert len(set(found)) <= 13  # the thread's own title, too
        seen += found
        earlier = re.search(r'href="(\?before=\d+)">', html)
        if not earlier:
            break
        query = earlier[1]
    assert {f"run {number}" for number in range(1, 31)} <= set(seen)
    assert "To the newest messages" in html
    for place in ("0", "x", "-1", "9" * 30):
        assert browser.get(f"{path}?before={place}").status_code == 200
    assert "Nothing before this" in text_of(browser.get(f"{path}?before=1"))


def test_it_folds_a_long_message_and_says_how_long_it_is(viewer: User) -> None:
    html = text_of(Page(viewer).get(f"/runs/{start('word ' * 1000).pk}/"))
    assert 'class="fold long"' in html
    assert "5,000 characters" in html
    assert 'class="fold long"' not in text_of(Page(viewer).get(f"/runs/{start('short').pk}/"))


def test_it_reads_no_event_for_the_question_before_a_deletion(operator: User, advance: Advance) -> None:
    run = advance(start("what is 2 + 2?"))
    path, browser = f"/threads/{run.thread_id}/", Page(operator)
    with CaptureQueriesContext(connection) as caught:
        html = text_of(browser.get(path))
    of_events = [query["sql"] for query in caught if 'FROM "events"' in query["sql"]]
    assert not [sql for sql in of_events if "COUNT(" in sql or "SUM(" in sql], of_events
    assert f'href="{path}remove/"' in html
    assert "This removes for good: 1 run" in text_of(browser.get(f"{path}remove/"))
