"""The one sentence about a run: it goes on while the page is open, in the reader's zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.openai_server import Answer

WRITE = "write hello to hello.txt"


def sentence(page: Page) -> str:
    return page.locator("#diagnosis").inner_text()


def test_it_goes_on_though_nothing_happens(desk: Desk) -> None:
    page = desk.window().new_page()
    page.clock.install()
    page.goto(f"/runs/{desk.waiting(WRITE)}/")
    expect(page.locator("#diagnosis")).to_have_text(re.compile(r"^Waiting .+ for approval of write_file\.$"))
    before = sentence(page)
    # By the page's clock: nobody waits here until the server's has moved on.
    for _ in range(100):
        with page.expect_response("**/panel/"):
            page.clock.fast_forward(10_000)
        if sentence(page) != before:
            break
    assert sentence(page) != before
    assert page.locator("#said").inner_text() == ""  # the cause is the same: nothing is read aloud


def test_it_tells_the_next_try_in_the_readers_zone(live: Desk) -> None:
    live.model.server.answer(Answer(status=429, text="Slow down.", headers={"Retry-After": "50"}))
    run_id = live.start("Say hello.")
    live.wait(run_id, "queued")
    page = live.page(f"/runs/{run_id}/", timezone_id="Asia/Kolkata")
    shown = page.locator("#diagnosis time")
    expect(shown).to_have_text(re.compile(r"\d\d:\d\d:\d\d$"))
    due = datetime.fromisoformat(str(shown.get_attribute("datetime")))
    there = due.astimezone(ZoneInfo("Asia/Kolkata"))
    assert shown.inner_text().endswith(f"{there:%H:%M:%S}")
    assert there.utcoffset() == timedelta(hours=5, minutes=30)
    live.api.post(f"runs/{run_id}/cancel").raise_for_status()
