"""The API's documentation page: whole under the strict policy, and able to call as the signed-in person."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.desk import Desk


def test_it_shows_every_call_and_calls_as_the_person(desk: Desk) -> None:
    page = desk.page("/api/v1/docs", who="olga")
    document = desk.api.get("openapi.json").json()
    expect(page.locator(".opblock")).to_have_count(sum(len(calls) for calls in document["paths"].values()))
    start = page.locator(".opblock").filter(has_text="Start a run")
    start.locator(".opblock-summary-control").click()
    start.get_by_role("button", name="Try it out").click()
    start.get_by_role("button", name="Execute").click()
    expect(start.locator(".live-responses-table .response .response-col_status")).to_contain_text("201")
    newest = desk.api.get("runs", params={"limit": 1}).json()["items"][0]
    assert newest["requested_by"] == "olga"
