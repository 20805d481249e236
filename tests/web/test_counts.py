"""The two numbers of the navigation and the tab's title, and parts of pages that are fetched again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.web.conftest import Advance, Ask, Page, script, start, text_of

pytestmark = pytest.mark.django_db
ASKS = 'hx-get="/approvals/count/" hx-trigger="look,'


def test_every_page_asks_for_the_counts_again(viewer: User, ask: Ask) -> None:
    approval = ask()
    run, thread = f"/runs/{approval.run_id}/", f"/threads/{approval.thread_id}/"
    for path in ("/", run, f"{run}events/", thread, f"/approvals/{approval.pk}/", "/health/", "/agents/"):
        assert text_of(Page(viewer).get(path)).count(ASKS) == 1, path
    assert ASKS in text_of(Page(viewer).get("/approvals/count/"))


def test_the_title_says_how_many_wait_to_who_may_decide(reviewer: User, viewer: User, ask: Ask) -> None:
    browser = Page(reviewer)
    assert "<title>Health ·" in text_of(browser.get("/health/"))
    run = ask().run
    for path, title in (("/health/", "Health"), (f"/runs/{run.pk}/events/", "Events"), ("/nothing/", "")):
        assert f"<title>(1) {title}" in text_of(browser.get(path)), path
    assert 'data-title="(1) "' in text_of(browser.get("/approvals/count/"))
    assert "<title>Health ·" in text_of(Page(viewer).get("/health/"))
    assert 'data-title=""' in text_of(Page(viewer).get("/approvals/count/"))


@pytest.mark.parametrize("part", ["waterfall", "events"])
def test_the_parts_of_a_run_under_way_are_fetched_again(viewer: User, part: str) -> None:
    place = f"{part}/?{'after' if part == 'events' else 'before'}=1&x=%22"
    path = f"/runs/{start('hello').pk}/{place}"
    html = text_of(Page(viewer).get(path))
    assert f'id="part" hx-get="{path.replace("&", "&amp;")}"' in html
    assert 'id="under-way"' in html
    assert "run/again.js" in html
    assert "Reload</a></noscript>" in html


@pytest.mark.parametrize("part", ["waterfall", "events"])
def test_the_parts_of_a_run_that_has_ended_stay(viewer: User, part: str, advance: Advance) -> None:
    run = advance(start(script({"text": "Done."})))
    assert run.is_terminal
    html = text_of(Page(viewer).get(f"/runs/{run.pk}/{part}/"))
    assert "under-way" not in html
    assert "run/again.js" not in html


def test_it_tells_three_troubles_apart(viewer: User) -> None:
    html = text_of(Page(viewer).get("/runs/"))
    for trouble, words in (
        ("stream", "Live updates are interrupted; trying to connect again. Everything else works."),
        ("server", "The server does not answer; trying again."),
        ("out", 'You are signed out. <a href="/sign-in/" target="_blank">'),
    ):
        assert f'<span data-trouble="{trouble}" hidden>{words}' in html
