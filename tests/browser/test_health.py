"""The health page refreshes itself and leaves the reader alone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.desk import Desk


def test_it_refreshes_itself_and_keeps_the_focus(desk: Desk) -> None:
    page = desk.page("/health/")
    queued = page.locator("#report a[href='/runs/?state=queued']")
    queued.focus()
    for _ in range(2):
        with page.expect_response("**/health/report/") as answer:
            pass
        assert answer.value.status == 200
    expect(queued).to_be_focused()
    expect(page.locator("#check-database .state")).to_have_text("Healthy")


def test_it_is_reached_from_every_page_and_from_the_board(desk: Desk) -> None:
    page = desk.page("/runs/")
    page.get_by_role("link", name="Health", exact=True).click()
    expect(page.get_by_role("heading", name="Health", exact=True)).to_be_visible()
    page.goto("/")
    page.locator("#health-line a").click()
    page.wait_for_url("**/health/")


def test_its_pictures_speak(desk: Desk) -> None:
    page = desk.page("/health/")
    said = re.compile("^Database Last 24 hours, of the .* known: healthy")
    expect(page.get_by_role("img", name=said)).to_be_visible()
