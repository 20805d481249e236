"""What a page says of its connection and session, and what it keeps up to date beside its own stream."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in

LOOK = "document.dispatchEvent(new Event('visibilitychange'))"
CALL = {"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}}
SIGNED_OUT = "You are signed out"


def sign_out(page: Page) -> None:
    page.goto("/")
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")


def own_session(live: Desk, who: str) -> tuple[Page, Page]:
    """Two tabs of a sign-in of their own: the kept one serves other tests, too."""
    window = live.window(None)
    tabs = window.new_page(), window.new_page()
    sign_in(tabs[1], who)
    tabs[1].wait_for_url(lambda url: "/sign-in/" not in url)
    return tabs


def test_it_keeps_what_is_typed_when_the_session_ends_in_another_tab(live: Desk) -> None:
    live.model.will_call(CALL)
    run_id = live.waiting("Write.")
    here, there = own_session(live, "rene")
    here.goto(f"/runs/{run_id}/")
    here.get_by_label("Why not?").fill("Not this one.")
    live.watch.expects(401, "htmx:")
    sign_out(there)
    here.evaluate(LOOK)
    expect(here.get_by_text(SIGNED_OUT)).to_be_visible()
    here.evaluate("htmx.trigger('#panel', 'refresh')")
    here.wait_for_timeout(300)
    assert here.url.endswith(f"/runs/{run_id}/")
    expect(here.locator("#panel #diagnosis")).to_be_visible()
    sign_in(there, "rene")
    there.wait_for_url(lambda url: "/sign-in/" not in url)
    here.evaluate(LOOK)
    expect(here.get_by_text(SIGNED_OUT)).to_be_hidden()
    expect(here.get_by_label("Why not?")).to_have_value("Not this one.")
    here.get_by_role("button", name="Reject", exact=True).click()
    expect(here.get_by_role("status").filter(has_text="Rejected")).to_be_visible()


def test_it_gives_back_what_was_typed_and_leads_on_after_the_sign_in(live: Desk) -> None:
    live.model.will_call(CALL)
    run_id = live.waiting("Write.")
    here, there = own_session(live, "rene")
    here.goto(f"/runs/{run_id}/")
    here.get_by_label("Why not?").fill("Not this one.")
    live.watch.expects(401, "htmx:")
    sign_out(there)
    here.get_by_role("button", name="Reject", exact=True).click()
    expect(here.get_by_text("Nothing was recorded")).to_be_visible()
    expect(here.get_by_label("Reason")).to_have_value("Not this one.")
    here.get_by_role("link", name="Sign in").click()
    sign_in(here, "rene")
    here.wait_for_url(f"**/runs/{run_id}/")
    assert live.run(run_id)["state"] == "waiting_for_approval"


def test_health_says_since_when_it_is_old(desk: Desk) -> None:
    page = desk.page("/health/")
    note = page.get_by_text("Not up to date since")
    expect(note).to_be_hidden()
    desk.watch.expects("ERR_INTERNET_DISCONNECTED", "htmx:", "Failed to fetch")
    page.context.set_offline(True)
    expect(note).to_have_text(re.compile(r"Not up to date since \d\d:\d\d:\d\d: "))
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    page.context.set_offline(False)
    expect(note).to_be_hidden()
    expect(page.get_by_text("The server does not answer")).to_be_hidden()


def test_what_is_sent_while_the_server_is_away_stays_on_the_page(live: Desk) -> None:
    live.model.will_call(CALL)
    run_id = live.waiting("Write.")
    page = live.page(f"/runs/{run_id}/", who="rene")
    page.get_by_label("Why not?").fill("Not this one.")
    live.watch.expects("ERR_INTERNET_DISCONNECTED", "htmx:", "Failed to fetch")
    page.context.set_offline(True)
    page.evaluate(LOOK)
    note = page.get_by_text("The server does not answer")
    expect(note).to_be_visible()
    reject = page.get_by_role("button", name="Reject", exact=True)
    reject.click()
    expect(reject).not_to_have_attribute("aria-busy", "true")
    assert page.url.endswith(f"/runs/{run_id}/")
    page.context.set_offline(False)
    expect(note).to_be_hidden()
    expect(page.get_by_label("Why not?")).to_have_value("Not this one.")
    reject.click()
    expect(page.get_by_role("status").filter(has_text="Rejected")).to_be_visible()


def test_a_server_in_trouble_is_still_sent_to(live: Desk) -> None:
    """It answers, if only that one fragment cannot be made: who decides is not held up by that."""
    live.model.will_call(CALL)
    run_id = live.waiting("Write.")
    page = live.page(f"/runs/{run_id}/", who="rene")
    page.get_by_label("Why not?").fill("Not this one.")
    live.watch.expects("htmx:", "500")
    page.route(re.compile("/approvals/count/"), lambda route: route.fulfill(status=500, body="broken"))
    page.evaluate(LOOK)
    expect(page.get_by_text("The server does not answer")).to_be_visible()
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Rejected")).to_be_visible()


@pytest.mark.parametrize("path", ["/health/", "/agents/"])
def test_the_counts_and_the_title_follow_on_a_page_without_a_stream(live: Desk, path: str) -> None:
    page = live.page(path, who="rene")
    title = page.title()
    assert not title.startswith("(")
    live.model.will_call(CALL)
    run_id = live.waiting("Write.")
    page.evaluate(LOOK)
    expect(page.locator("#pending-count")).to_have_text(", waiting: 1")
    expect(page).to_have_title(f"(1) {title}")
    live.decide(live.pending(run_id)[0], "reject", reason="no")
    page.evaluate(LOOK)
    expect(page.locator("#pending-count")).to_have_text("")
    expect(page).to_have_title(title)


def test_the_counts_follow_without_being_asked(live: Desk) -> None:
    page = live.page("/agents/", who="rene")
    live.model.will_call(CALL)
    live.waiting("Write.")
    expect(page.locator("#pending-count")).to_have_text(", waiting: 1")


@pytest.mark.parametrize("part", ["waterfall", "events"])
def test_steps_and_events_follow_a_run_to_its_end(live: Desk, part: str) -> None:
    live.model.will_call(CALL)
    run_id = live.waiting("Write.")
    page = live.page(f"/runs/{run_id}/{part}/", who="rene", viewport={"width": 800, "height": 260})
    rows = page.locator("#part li")
    before = rows.count()
    place = page.evaluate("window.scrollTo(0, 120), window.scrollY")
    assert place > 0
    live.decide(live.pending(run_id)[0], "approve")
    live.wait(run_id, "completed")
    expect(page.locator("#part .page-head").get_by_text("Completed")).to_be_visible()
    assert rows.count() > before
    assert page.evaluate("window.scrollY") == place
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if f"/{part}/" in request.url else None)
    page.wait_for_timeout(3500)
    assert asked == []


def test_a_click_meant_for_cancel_starts_no_run(live: Desk) -> None:
    steps = live.model.will_say_slowly("one two six ten end", 4)
    page = live.page(who="olga")
    run_id = live.start_on(page, "Count.")
    steps.let(1)
    cancel = page.get_by_role("button", name="Cancel the run")
    expect(page.locator("[data-streaming]")).to_have_text("one ")
    page.wait_for_timeout(1200)
    box = cancel.bounding_box()
    assert box
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    steps.let_all()
    again = page.get_by_role("button", name="Run it again")
    again.wait_for()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    again.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert sent == []
    assert page.url.endswith(f"/runs/{run_id}/")
    again.click()
    page.wait_for_url(lambda url: run_id not in url)
