"""Threads: the conversation across runs and its next message."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

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
    assert "earlier run" not in text_of(Page(viewer).get(f"{path}?all=1"))


def test_it_finds_a_thread_by_its_words(viewer: User) -> None:
    start("Bees and flowers")
    start("Something else")
    html = text_of(Page(viewer).get("/threads/?q=bees"))
    assert "Bees and flowers" in html
    assert "Something else" not in html
    assert Thread.objects.count() == 2
