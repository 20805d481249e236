"""Copying what a page shows."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.product import call, script

READ = "navigator.clipboard.readText()"


def test_it_copies_a_value_by_keyboard(desk: Desk) -> None:
    write = call("write_file", path="a.txt", content="one\n  two\u200b <b>")
    run_id = desk.waiting(script({"text": "See:\n\n```\nls -l\n```", "tool_calls": [write]}))
    window = desk.window(permissions=["clipboard-read", "clipboard-write"])
    page = window.new_page()
    page.goto(f"/runs/{run_id}/")
    button = page.locator("dd.block", has_text="two").get_by_role("button", name="Copy")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate(READ) == "one\n  twoU+200B <b>"
    page.locator(".prose pre").get_by_role("button").click()
    assert page.evaluate(READ) == "ls -l\n"
    page.locator(".copyable").get_by_role("button").click()
    assert page.evaluate(READ) == run_id


def test_there_is_nothing_to_press_without_a_script(desk: Desk) -> None:
    run_id = desk.waiting(script({"tool_calls": [call("write_file", path="a.txt", content="one")]}))
    page = desk.page(f"/runs/{run_id}/", java_script_enabled=False)
    expect(page.locator("dd.block", has_text="one")).to_be_visible()
    expect(page.locator(".copy")).to_have_count(0)
