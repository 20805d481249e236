"""A crash hid whether a call happened: a person looks, and says so on the page."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.desk import Desk


def test_it_takes_a_persons_word_for_what_happened(live: Desk) -> None:
    run_id = live.in_doubt()
    page = live.page(f"/runs/{run_id}/", who="olga")
    expect(page.locator("#panel")).to_contain_text("In doubt")
    live.model.will_say("Good to know.")
    page.get_by_label("What came of it").fill("begun is there,\nso it did.")
    page.get_by_role("button", name="It happened").click()
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()
    assert live.model.told() == ["begun is there,\nso it did."]


def test_it_asks_anew_for_a_call_that_did_not_happen(live: Desk) -> None:
    run_id = live.in_doubt()
    page = live.page(f"/runs/{run_id}/")
    page.get_by_role("button", name="It did not happen").click()
    page.get_by_label("Why not? The model reads this.").fill("Let it be.")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()
    assert "Let it be." in live.model.told()[0]
