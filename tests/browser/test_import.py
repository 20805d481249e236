"""A database that was brought along: its history is there, its question is asked, its work goes on."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.upkeep.imports.reference import full


def test_it_decides_what_another_engine_had_asked_and_goes_on(desk: Desk, tmp_path: Path) -> None:
    assert "3 runs" in desk.product.command("import_runtime", str(full(tmp_path).path))
    page = desk.page("/runs/", who="rene")
    page.get_by_role("link").filter(has_text="do r3").click()
    expect(page.locator("#transcript")).to_contain_text("I want to write.")
    expect(page.locator(".call .note")).to_contain_text("another engine")
    expect(page.get_by_text("Brought along", exact=True)).to_be_visible()
    page.get_by_role("button", name="Approve", exact=True).click()
    outcome = page.locator("#outcome")
    expect(outcome).to_contain_text("It goes on as a new run.")
    outcome.get_by_role("link", name="Open it").click()
    page.wait_for_url(lambda url: "/runs/r3/" not in url)
    new = page.url.rstrip("/").rpartition("/")[2]
    desk.wait(new, "completed", "waiting_for_approval")
    page.get_by_role("link", name="Thread", exact=True).click()
    expect(page.locator("#transcript")).to_contain_text("do r3")
    expect(page.locator(f"#talk-{new}")).to_be_visible()
    # The run that had failed there is told as failed, with its artifacts.
    page.goto("/runs/r1/")
    expect(page.get_by_role("link", name="report.json")).to_be_visible()
