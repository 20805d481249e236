"""Everything works without JavaScript: forms, links, and a reload instead of a stream."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in
from tests.product import call, script

WRITE = call("write_file", path="a.txt", content="one\n")
MANY = 55  # more than a page of a list holds


@pytest.fixture
def page(desk: Desk) -> Page:
    """A page without a script, signed in by hand."""
    page = desk.page(who=None, java_script_enabled=False)
    sign_in(page, "anna")
    page.wait_for_url(f"{desk.product.url}/")
    return page


def start(page: Page, text: str) -> str:
    page.get_by_label("What should the agent do?").fill(text)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/runs/*/")
    return page.url.rstrip("/").rpartition("/")[2]


def test_it_starts_a_run_and_shows_its_state_after_a_reload(desk: Desk, page: Page) -> None:
    run_id = start(page, script({"text": "Let me write.", "tool_calls": [WRITE]}, {"text": "Done."}))
    desk.wait(run_id, "waiting_for_approval")
    page.get_by_role("link", name="Reload").click()
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    page.get_by_role("button", name="Approve", exact=True).click()
    desk.wait(run_id, "completed")
    page.get_by_role("link", name="Reload").click()
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()
    expect(page.locator("#transcript").get_by_text("Done.", exact=True)).to_be_visible()


def test_it_keeps_what_was_typed_when_a_start_is_refused(desk: Desk, page: Page) -> None:
    desk.watch.expects(422)
    too_long = "x" * 200_001
    page.get_by_label("What should the agent do?").fill(too_long)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("200")
    expect(page.get_by_label("What should the agent do?")).to_have_value(too_long)


def test_it_decides_in_every_way(desk: Desk, page: Page) -> None:
    calls = [call("write_file", path=f"{n}.txt", content=f"{n}\n") for n in range(4)]
    run_id = desk.waiting(script({"tool_calls": calls}, {"text": "Done."}))
    page.goto(f"/runs/{run_id}/")
    page.get_by_role("button", name="Approve", exact=True).first.click()
    second = page.locator(".call").filter(has_text="1.txt")
    second.get_by_label("Why not? The model reads this.").fill("Not this.\nNever.")
    second.get_by_role("button", name="Reject").click()
    third = page.locator(".call").filter(has_text="2.txt")
    third.get_by_text("Edit, then approve").click()
    third.get_by_label("content").fill("zwei\n")
    third.get_by_role("button", name="Approve the edit").click()
    fourth = page.locator(".call").filter(has_text="3.txt")
    fourth.get_by_text("Answer instead of running it").click()
    fourth.get_by_label("The model takes this as the tool's result").fill("Three is there.")
    fourth.get_by_role("button", name="Answer", exact=True).click()
    desk.wait(run_id, "completed")
    page.get_by_role("link", name="Reload").click()
    for name, status in enumerate(("Approved", "Rejected", "Edited", "Answered")):
        expect(page.locator(".call").filter(has_text=f"{name}.txt")).to_contain_text(f"{status} by anna")
    assert desk.file(run_id, "2.txt") == b"zwei\n"


def test_it_refuses_a_broken_edit_and_keeps_it(live: Desk) -> None:
    live.model.will_call({"name": "read_file", "arguments": {"path": "a.txt", "limit": 2}})
    run_id = live.waiting("Read.")
    page = live.page(f"/runs/{run_id}/", java_script_enabled=False)
    page.get_by_text("Edit, then approve").click()
    page.get_by_label("path").fill("kept.txt")
    page.get_by_label(re.compile("^limit")).fill("two")
    live.watch.expects(422)
    page.get_by_role("button", name="Approve the edit").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("path")).to_have_value("kept.txt")
    page.get_by_label(re.compile("^limit")).fill("4")
    page.get_by_role("button", name="Approve the edit").click()
    expect(page).to_have_url(re.compile(rf"/runs/{run_id}/"))
    expect(page.get_by_role("status").filter(has_text="kept.txt")).to_be_visible()


def test_it_cancels(desk: Desk, page: Page) -> None:
    run_id = desk.waiting(script({"tool_calls": [WRITE]}, {"text": "Done."}))
    page.goto(f"/runs/{run_id}/")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("The run was cancelled.")).to_be_visible()
    assert desk.run(run_id)["state"] == "cancelled"


def test_it_sends_the_next_message(desk: Desk, page: Page) -> None:
    thread = desk.wait(desk.start(script({"text": "First."})), "completed")["thread_id"]
    page.goto(f"/threads/{thread}/")
    page.get_by_role("textbox", name="Next message").fill(script({"text": "Second answer."}))
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/threads/**")
    newest = desk.api.get("runs", params={"thread": thread, "limit": 1}).json()["items"][0]
    desk.wait(newest["run_id"], "completed")
    page.reload()
    expect(page.locator("#transcript")).to_contain_text("Second answer.")


def test_it_filters_and_turns_pages(desk: Desk, page: Page) -> None:
    ids = [desk.start(script({"text": f"leaf{number}x"}), agent="direct") for number in range(MANY)]
    for run_id in ids:
        desk.wait(run_id, "completed")
    page.goto("/runs/")
    page.get_by_label("Agent").select_option("direct")
    page.get_by_label("State").select_option("completed")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("state=completed"))
    seen = [link.get_attribute("href") for link in page.locator("#rows a").all()]
    page.get_by_role("link", name="More").click()
    seen += [link.get_attribute("href") for link in page.locator("#rows a").all()]
    assert len(seen) == len(set(seen))
    assert {f"/runs/{run_id}/" for run_id in ids} <= set(seen)
    page.get_by_role("link", name="Back").click()
    expect(page.locator("#rows a")).to_have_count(50)
    page.get_by_label("Text or id").fill("leaf7x")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#rows a")).to_have_count(1)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#rows a")).to_have_count(50)


def test_it_changes_the_colours_and_signs_out(page: Page) -> None:
    page.get_by_text("anna", exact=True).first.click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_text("anna", exact=True).first.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
