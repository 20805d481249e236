"""By keyboard alone: the focus is always seen, nothing traps it, and every main act can be done."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import PASSWORD, Desk

MOST_STOPS = 150
# The element with the focus: what it is, where, and whether anything shows that it has the focus or hides it.
FOCUSED = """
(() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const middle = (from, to, most) => (Math.max(from, 0) + Math.min(to, most)) / 2; // of what is in the window
  const top = document.elementFromPoint(
    middle(box.left, box.right, innerWidth), middle(box.top, box.bottom, innerHeight));
  const order = [...document.querySelectorAll("*")];
  const name = element.matches("input, textarea, select") ? element.name : element.textContent.trim();
  return {
    name: `${element.tagName} ${name.slice(0, 40)}`,
    outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    covered: !(top && (element.contains(top) || top.contains(element))),
    outside: box.bottom <= 0 || box.top >= innerHeight || box.width === 0 || box.height === 0,
    place: order.indexOf(element),
  };
})()
"""


def stops(page: Page) -> list[dict[str, Any]]:
    """Every stop of the Tab key, from the page's start until it leaves the page."""
    found: list[dict[str, Any]] = []
    page.evaluate("document.activeElement?.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)")
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None or (found and stop["place"] == found[0]["place"]):
            return found
        found.append(stop)
    raise AssertionError(f"no end after {MOST_STOPS} stops")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("where", ["board", "run", "approval", "thread", "runs", "agents", "health"])
def test_it_shows_the_focus_at_every_stop_in_order(live: Desk, where: str, width: int) -> None:
    live.model.will_call(
        {"name": "write_file", "arguments": {"path": "a.txt", "content": "one\n" * 40}}, text="May I?"
    )
    run_id = live.waiting("Write.")
    path = {
        "board": "/",
        "run": f"/runs/{run_id}/",
        "approval": f"/approvals/{live.pending(run_id)[0]['approval_id']}/",
        "thread": f"/threads/{live.run(run_id)['thread_id']}/",
        "runs": "/runs/",
        "agents": "/agents/",
        "health": "/health/",
    }[where]
    page = live.page(path, viewport={"width": width, "height": 640})
    found = stops(page)
    assert found[0]["name"] == "A Skip to the content"
    assert [stop["name"] for stop in found if not stop["outline"]] == []
    assert [stop["name"] for stop in found if stop["covered"] or stop["outside"]] == []
    places = [stop["place"] for stop in found]
    assert places == sorted(places)
    assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0


def press_until(page: Page, name: str, key: str = "Tab") -> None:
    """Goes on with the key until something of this name has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        stop = page.evaluate(FOCUSED)
        if stop and re.search(name, stop["name"]):
            return
    raise AssertionError(f"{name} was not reached")


def test_it_signs_in_starts_decides_and_signs_out_by_keyboard(live: Desk) -> None:
    live.model.will_call({"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}})
    live.model.will_say("Understood.")
    page = live.page("/", who=None)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live.product.url}/")
    press_until(page, "^TEXTAREA")
    page.keyboard.type("Write.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/runs/*/")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    press_until(page, "^BUTTON Approve$")
    press_until(page, "^TEXTAREA reason")
    page.keyboard.type("Not by keyboard.")
    press_until(page, "^BUTTON Reject")
    page.keyboard.press("Enter")
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()
    assert "Not by keyboard." in live.model.told()[0]
    press_until(page, "^SUMMARY Menu", "Shift+Tab")
    page.keyboard.press("Enter")
    press_until(page, "^BUTTON Dark")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(page.locator("details.menu > summary")).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, "^BUTTON Sign out")
    live.watch.expects(401)  # a refresh of the page may be under way
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/")


def test_it_skips_to_the_content(live: Desk) -> None:
    page = live.page("/runs/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    inside = page.evaluate("document.querySelector('main').contains(document.activeElement)")
    assert inside


def test_it_edits_by_keyboard(live: Desk) -> None:
    live.model.will_call({"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}})
    run_id = live.waiting("Write.")
    page = live.page(f"/approvals/{live.pending(run_id)[0]['approval_id']}/")
    press_until(page, "^SUMMARY Edit, then approve")
    page.keyboard.press("Enter")
    press_until(page, "arg.content")
    page.keyboard.press("Control+A")
    page.keyboard.type("two")
    press_until(page, "^BUTTON Approve the edit")
    page.keyboard.press("Space")
    live.wait(run_id, "completed")
    assert live.file(run_id, "a.txt") == b"two"
