"""A run on paper: nothing folded, moments instead of ages, nothing to press."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.product import call, script


def test_it_prints_what_is_folded_and_the_moments(desk: Desk) -> None:
    run_id = desk.start(
        script(
            {"text": "Look.", "tool_calls": [call("ls", path="."), call("write_file", path="a", content="1")]}
        )
    )
    desk.wait(run_id, "waiting_for_approval")
    page = desk.page(f"/runs/{run_id}/")
    folded = page.locator("details.call:not([open]) .call-body").first
    expect(folded).to_be_hidden()
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    page.emulate_media(media="print")
    expect(folded).to_be_visible()
    expect(page.get_by_text("Reject", exact=True)).to_be_hidden()
    for shown in page.get_by_role("button").all():
        expect(shown).to_be_hidden()
    time = page.locator(".message .who time").first
    printed = time.evaluate("(one) => getComputedStyle(one, '::after').content")
    assert printed == f'"{time.get_attribute("title")}"' or "attr(title)" in printed
    assert re.search(r"\d+:\d\d:\d\d", time.get_attribute("title") or "")
    assert time.evaluate("(one) => getComputedStyle(one).fontSize") == "0px"


def test_folds_open_for_the_printer_and_close_again(desk: Desk) -> None:
    run_id = desk.start(script({"text": "Look.", "tool_calls": [call("ls", path=".")]}, {"text": "Done."}))
    desk.wait(run_id, "completed")
    page = desk.page(f"/runs/{run_id}/")
    folds, opened = page.locator("main details"), page.locator("main details[open]")
    assert folds.count() > 1
    folds.first.evaluate("(fold) => { fold.open = true; }")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(opened).to_have_count(folds.count())
    expect(page.locator("details.menu[open]")).to_have_count(0)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(opened).to_have_count(1)


def test_the_bar_for_many_runs_is_in_sight_when_something_is_ticked(desk: Desk) -> None:
    for number in range(12):
        desk.start(f"Run {number}")
    for size in ({"width": 1280, "height": 500}, {"width": 390, "height": 700}):
        page = desk.page("/runs/", viewport=size)
        cancel = page.get_by_role("button", name="Cancel …")
        expect(cancel).not_to_be_in_viewport()
        box = page.locator(".pick input").first
        box.check()
        expect(cancel).to_be_in_viewport(ratio=1)
        cancel.click(trial=True)  # nothing lies over it
        box.uncheck()
        expect(cancel).not_to_be_in_viewport()
