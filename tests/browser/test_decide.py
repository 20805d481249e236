"""Every decision on the run's page and on the approval's card, and what model and tools make of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk

REASON = 'No – take “b.txt”, 100 % sure?\n  <b>Second</b> & "last" line\\n'


def write(path: str = "a.txt", content: str = "one\n") -> dict[str, Any]:
    return {"name": "write_file", "arguments": {"path": path, "content": content}}


def card(page: Page, text: str) -> Locator:
    """The call on a run's page whose sentence contains the text."""
    return page.locator(".call").filter(has_text=text)


def ended(page: Page) -> None:
    expect(page.get_by_role("complementary").get_by_text("Completed")).to_be_visible()


@pytest.fixture(params=["run", "card"])
def place(request: pytest.FixtureRequest) -> str:
    """Where one decides: inside the run's transcript, or on the approval's own page."""
    return str(request.param)


def opened(live: Desk, place: str, *calls: dict[str, Any]) -> tuple[str, Page]:
    """A run that waits for these calls, and the page to decide the first of them on."""
    live.model.will_call(*calls, text="May I?")
    live.model.will_say("Understood.")
    run_id = live.waiting("Do something.")
    path = f"/runs/{run_id}/" if place == "run" else f"/approvals/{live.pending(run_id)[0]['approval_id']}/"
    return run_id, live.page(path, who="rene")


def test_it_runs_exactly_what_was_approved(live: Desk, place: str) -> None:
    run_id, page = opened(live, place, write("notes/a.txt", "héllo\n\n  there\n"))
    expect(page.get_by_text("notes/a.txt").first).to_be_visible()
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Approved")).to_be_visible()
    live.wait(run_id, "completed")
    assert live.file(run_id, "notes/a.txt").decode() == "héllo\n\n  there\n"
    page.goto(f"/runs/{run_id}/")
    expect(card(page, "notes/a.txt")).to_contain_text("by rene")
    expect(page.locator("#transcript")).to_contain_text("Understood.")


def test_it_gives_the_reviewers_words_to_the_model_unchanged(live: Desk, place: str) -> None:
    run_id, page = opened(live, place, write())
    page.get_by_label("Why not? The model reads this.").fill(REASON)
    page.get_by_role("button", name="Reject").click()
    live.wait(run_id, "completed")
    [told] = live.model.told()
    assert REASON.strip() in told
    with pytest.raises(FileNotFoundError):
        live.file(run_id, "a.txt")
    page.goto(f"/runs/{run_id}/")
    card(page, "a.txt").get_by_text("Rejected by rene", exact=True).click()
    assert REASON.strip() in card(page, "a.txt").locator("q").inner_text()


def test_it_does_not_reject_without_a_reason(live: Desk) -> None:
    run_id, page = opened(live, "run", write())
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_label("Why not? The model reads this.")).to_be_focused()
    assert live.run(run_id)["state"] == "waiting_for_approval"


def test_it_keeps_numbers_numbers_when_a_call_is_edited(live: Desk, place: str) -> None:
    read = {"name": "read_file", "arguments": {"path": "n.txt", "offset": 1, "limit": 2}}
    live.model.will_call(write("n.txt", "1\n2\n3\n4\n"))
    live.model.will_say("Written.")
    first = live.waiting("Write numbers.")
    live.decide(live.pending(first)[0], "approve")
    thread = live.wait(first, "completed")["thread_id"]
    live.model.will_call(read)
    live.model.will_say("Read.")
    run_id = live.waiting("Read them.", thread_id=thread)
    page = live.page(
        f"/runs/{run_id}/" if place == "run" else f"/approvals/{live.pending(run_id)[0]['approval_id']}/"
    )
    page.get_by_text("Edit, then approve").click()
    limit = page.get_by_label(re.compile("^limit"))
    expect(limit).to_have_value("2")
    limit.fill("three")
    live.watch.expects(422)
    page.get_by_role("button", name="Approve the edit").click()
    expect(page.get_by_text("This must be", exact=False)).to_be_visible()
    expect(limit).to_have_value("three")
    limit.fill("0")
    page.get_by_role("button", name="Approve the edit").click()
    expect(page.get_by_role("alert")).to_contain_text("limit")
    limit.fill("3")
    page.get_by_role("button", name="Approve the edit").click()
    live.wait(run_id, "completed")
    [asked] = [m for m in live.model.messages() if m["role"] == "assistant" and "tool_calls" in m][-1:]
    arguments = json.loads(asked["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"path": "n.txt", "offset": 1, "limit": 3}
    assert type(arguments["limit"]) is int
    assert live.model.told()[-1].startswith("1\n2\n3\n[")


def test_it_writes_what_the_reviewer_made_of_it(live: Desk, place: str) -> None:
    run_id, page = opened(live, place, write("n.txt", "7"))
    page.get_by_text("Edit, then approve").click()
    page.get_by_label("content").fill("42")
    page.get_by_role("button", name="Approve the edit").click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "n.txt") == b"42"
    page.goto(f"/runs/{run_id}/")
    card(page, "n.txt").get_by_text("Edited by rene", exact=True).click()
    card(page, "n.txt").get_by_text("What the model had asked for").click()
    expect(card(page, "n.txt").locator(".before").get_by_text("7", exact=True)).to_be_visible()


def test_it_keeps_untouched_line_ends_when_something_else_is_edited(live: Desk) -> None:
    run_id, page = opened(live, "run", write("a.txt", "one\r\ntwo\r\n\r\n  three  "))
    page.get_by_text("Edit, then approve").click()
    page.get_by_label("path").fill("b.txt")
    page.get_by_role("button", name="Approve the edit").click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "b.txt") == b"one\r\ntwo\r\n\r\n  three  "


def test_it_answers_in_place_of_the_tool(live: Desk, place: str) -> None:
    run_id, page = opened(live, place, write())
    page.get_by_text("Answer instead of running it").click()
    page.get_by_label("The model takes this as the tool's result").fill("It is there <already>,\nuse it.")
    page.get_by_role("button", name="Answer", exact=True).click()
    live.wait(run_id, "completed")
    [told] = live.model.told()
    assert "It is there <already>,\nuse it." in told
    with pytest.raises(FileNotFoundError):
        live.file(run_id, "a.txt")


def test_it_offers_only_what_the_rule_allows(live: Desk) -> None:
    edit = {"name": "edit_file", "arguments": {"path": "a.txt", "old": "one", "new": "two"}}
    _, page = opened(live, "card", edit)
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Reject")).to_be_visible()
    for absent in ("Edit, then approve", "Answer instead of running it"):
        expect(page.get_by_text(absent)).to_have_count(0)


def test_it_decides_several_calls_of_one_reply_in_any_order(live: Desk) -> None:
    run_id, page = opened(live, "run", *(write(f"{n}.txt", f"{n}\n") for n in range(1, 5)))
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(4)
    third = card(page, "3.txt")
    third.scroll_into_view_if_needed()
    third.get_by_role("button", name="Approve", exact=True).click()
    expect(card(page, "3.txt").get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    first = card(page, "1.txt")
    first.get_by_label("Why not? The model reads this.").fill("Not the first.")
    first.get_by_role("button", name="Reject").click()
    expect(card(page, "1.txt")).to_contain_text("Rejected")
    assert live.run(run_id)["state"] == "waiting_for_approval"
    fourth = card(page, "4.txt")
    fourth.get_by_text("Answer instead of running it").click()
    fourth.get_by_label("The model takes this as the tool's result").fill("Four is done.")
    fourth.get_by_role("button", name="Answer", exact=True).click()
    second = card(page, "2.txt")
    second.get_by_text("Edit, then approve").click()
    second.get_by_label("content").fill("zwei\n")
    second.get_by_role("button", name="Approve the edit").click()
    ended(page)
    told = live.model.told()
    assert len(told) == 4
    assert "Not the first." in told[0]
    assert "Four is done." in told[3]
    assert live.file(run_id, "2.txt") == b"zwei\n"
    assert live.file(run_id, "3.txt") == b"3\n"
    expect(page.locator("#transcript").get_by_text("Understood.")).to_have_count(1)


def test_it_lets_only_a_reviewer_decide_and_an_operator_cancel(live: Desk) -> None:
    run_id, page = opened(live, "run", write())
    expect(page.get_by_role("button", name="Cancel the run")).to_have_count(0)
    for who in ("olga", "vera"):
        other = live.page(f"/runs/{run_id}/", who=who)
        expect(card(other, "a.txt")).to_contain_text("A reviewer decides.")
        expect(other.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
        expect(other.get_by_role("button", name="Cancel the run")).to_have_count(1 if who == "olga" else 0)


def test_it_opens_the_next_card_after_a_decision(live: Desk) -> None:
    for name in ("first", "second"):
        live.model.will_call(write(f"{name}.txt"))
        live.waiting(f"Write {name}.")
    page = live.page("/approvals/", who="rene")
    live.model.will_say("Done.", "Done.")
    page.get_by_role("link").filter(has_text="first.txt").click()
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("first.txt")
    expect(page.get_by_role("status").filter(has_text="first.txt")).to_be_visible()
