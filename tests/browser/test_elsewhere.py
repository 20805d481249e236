"""What others do shows on an open page, and takes nothing away from who is at work there."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk

REASON = "Why not? The model reads this."


def write(path: str) -> dict[str, Any]:
    return {"name": "write_file", "arguments": {"path": path, "content": "one\n"}}


def waiting(live: Desk, *paths: str) -> tuple[str, list[dict[str, Any]]]:
    live.model.will_call(*(write(path) for path in paths), text="May I?")
    run_id = live.waiting("Write something.")
    return run_id, live.pending(run_id)


def caret(page: Page) -> list[int]:
    """The selection in the field that has the focus."""
    found: list[int] = page.evaluate(
        "[document.activeElement.selectionStart, document.activeElement.selectionEnd]"
    )
    return found


def test_it_shows_a_decision_and_leaves_what_is_being_typed_alone(live: Desk) -> None:
    run_id, approvals = waiting(live, "first.txt", "second.txt", "third.txt")
    page = live.page(f"/runs/{run_id}/", who="rene")
    second = page.locator(".call").filter(has_text="second.txt")
    third = page.locator(".call").filter(has_text="third.txt")
    third.get_by_text("Answer instead of running it").click()
    third.get_by_label("The model takes this as the tool's result").fill("half an answer")
    reason = second.get_by_label(REASON)
    reason.fill("not this one, because")
    reason.evaluate("(field) => field.setSelectionRange(4, 8)")
    live.decide(approvals[0], "approve")
    expect(page.locator(".call").filter(has_text="first.txt")).to_contain_text("Approved by")
    expect(reason).to_be_focused()
    assert caret(page) == [4, 8]
    page.keyboard.type("that")
    expect(reason).to_have_value("not that one, because")
    live.decide(approvals[2], "approve")
    expect(third).to_contain_text("Approved by")
    expect(reason).to_be_focused()
    expect(reason).to_have_value("not that one, because")
    second.get_by_role("button", name="Reject").click()
    live.wait(run_id, "completed")
    assert "not that one, because" in live.model.told()[1]


def test_it_shows_on_the_card_that_somebody_else_decided(live: Desk) -> None:
    run_id, [one, two] = waiting(live, "one.txt", "two.txt")
    page = live.page(f"/approvals/{one['approval_id']}/", who="rene")
    page.get_by_label(REASON).fill("half a rea")
    live.decide(two, "approve")
    expect(page.get_by_label(REASON)).to_be_focused()
    expect(page.get_by_label(REASON)).to_have_value("half a rea")
    live.decide(one, "reject", reason="I was first.")
    expect(page.locator(".decided").get_by_text("Rejected by").first).to_be_visible()
    expect(page.get_by_text("I was first.").first).to_be_visible()
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    expect(page.get_by_role("heading", name="What was asked", exact=True)).to_be_visible()


def test_it_counts_and_lists_what_waits_as_it_comes_and_goes(live: Desk) -> None:
    page = live.page("/approvals/", who="rene")
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Approvals")
    before = int("".join(filter(str.isdigit, link.inner_text())) or 0)
    run_id, [approval] = waiting(live, "list-me.txt")
    row = page.get_by_role("listitem").filter(has_text="list-me.txt")
    expect(row).to_be_visible()
    expect(link).to_contain_text(str(before + 1))
    live.decide(approval, "approve")
    expect(row).to_have_count(0)
    if before:
        expect(link).to_contain_text(str(before))
    else:
        expect(link).not_to_contain_text("1")
    live.wait(run_id, "completed")


def test_it_never_moves_a_row_under_the_cursor(live: Desk) -> None:
    waiting(live, "stays.txt")
    page = live.page("/approvals/?tool=write_file", who="rene")
    page.get_by_role("listitem").filter(has_text="stays.txt").first.hover()
    _, [approval] = waiting(live, "new-here.txt")
    new = page.get_by_role("button", name="Show what is new")
    expect(new).to_be_visible()
    assert page.get_by_text("new-here.txt").count() == 0
    new.click()
    expect(page.get_by_text("new-here.txt").first).to_be_visible()
    live.decide(approval, "approve")


def test_it_says_who_was_first(live: Desk) -> None:
    _, [approval] = waiting(live, "race.txt")
    # Without a script the page cannot know yet.
    page = live.page(f"/approvals/{approval['approval_id']}/", who="rene", java_script_enabled=False)
    live.decide(approval, "reject", reason="too late for you")
    live.watch.expects(409)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("test-operator-reviewer was first")
    expect(page.get_by_role("alert")).to_contain_text("reject")
    expect(page.get_by_text("too late for you").first).to_be_visible()


def test_it_follows_the_newest_text_only_for_who_is_at_the_end(live: Desk) -> None:
    lines = "\n\n".join(f"Line {number}." for number in range(120))
    steps = live.model.will_say_slowly(lines, 40)
    page = live.page(viewport={"width": 1000, "height": 500})
    live.start_on(page, "Say many lines.")
    steps.let(12)
    expect(page.get_by_text("Line 30.")).to_be_in_viewport()
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -5000)
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    steps.let_all()
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
