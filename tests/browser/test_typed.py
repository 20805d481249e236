"""What is typed on a card is neither passed over by another button nor lost to somebody else's decision, and
what was meant for one card does not decide about the next."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk

REASON = "Why not? The model reads this."
ANSWER = "The model takes this as the tool's result"
#: Stops the buttons' arming at a moment, in ms after the card came.
STOP = """
(ms) => document.getAnimations().filter((one) => one.animationName?.startsWith("arm"))
  .forEach((one) => { one.pause(); one.currentTime = ms; })
"""


def write(path: str) -> dict[str, Any]:
    return {"name": "write_file", "arguments": {"path": path, "content": "one\n"}}


def asked(live: Desk, *paths: str) -> tuple[str, list[dict[str, Any]]]:
    live.model.will_call(*(write(path) for path in paths), text="May I?")
    run_id = live.waiting("Write something.")
    return run_id, live.pending(run_id)


def at(approval: dict[str, Any]) -> str:
    return f"/approvals/{approval['approval_id']}/"


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def insist(page: Page) -> None:
    """Clicks on Approve though it looks disabled."""
    expect(button(page, "Approve")).to_have_css("pointer-events", "auto")
    button(page, "Approve").click(force=True)


def posts(page: Page) -> list[str]:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


@pytest.mark.parametrize(
    ("fold", "field", "said"),
    [
        ("Edit, then approve", "path", "You changed the arguments: approve the edit, or discard the change."),
        ("", REASON, "You wrote why not: reject, or discard the reason."),
        ("Answer instead of running it", ANSWER, "You wrote an answer: send it, or discard it."),
    ],
)
def test_it_does_not_approve_over_what_was_typed(live: Desk, fold: str, field: str, said: str) -> None:
    run_id, [approval] = asked(live, "shown.txt")
    live.model.will_say("Done.")
    page = live.page(at(approval), who="rene")
    sent = posts(page)
    if fold:
        page.get_by_text(fold).click()
    page.get_by_label(field).fill("typed.txt")
    hint = page.get_by_text("takes the call as shown above")  # not while it does not
    expect(hint).to_be_hidden()
    insist(page)
    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(page.get_by_label(field)).to_have_value("typed.txt")
    assert sent == []
    button(page, "Discard").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(hint).to_be_visible(visible=field == "path")
    button(page, "Approve").click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "shown.txt") == b"one\n"


def test_it_does_not_approve_over_an_edit_that_was_refused(live: Desk) -> None:
    """The server gave it back: to the page it is as if nothing had been changed."""
    run_id, [approval] = asked(live, "shown.txt")
    live.model.will_say("Done.")
    page = live.page(at(approval), who="rene")
    page.get_by_text("Edit, then approve").click()
    page.get_by_label("path").fill("typed/")
    live.watch.expects(422)
    button(page, "Approve the edit").click()
    expect(page.get_by_role("alert")).to_contain_text("names a folder")
    insist(page)
    expect(page.get_by_text("You changed the arguments")).to_be_visible()
    button(page, "Discard").click()
    page.get_by_text("Edit, then approve").click()
    expect(page.get_by_label("path")).to_have_value("shown.txt")
    assert live.run(run_id)["state"] == "waiting_for_approval"


def test_it_takes_back_the_plain_yes_while_an_edit_is_open_without_a_script(live: Desk) -> None:
    _, [approval] = asked(live, "shown.txt")
    page = live.page(at(approval), who="rene", java_script_enabled=False)
    expect(button(page, "Approve")).to_be_visible()
    page.get_by_text("Edit, then approve").click()
    expect(page.get_by_text("“Approve” takes the call as shown above")).to_be_visible()
    expect(button(page, "Approve")).to_be_hidden()


def test_it_waits_before_the_next_card_can_be_decided(live: Desk) -> None:
    _, [first, second] = asked(live, "first.txt", "second.txt")
    page = live.page(at(first), who="rene")
    button(page, "Approve").click()
    page.wait_for_url(f"**{at(second)}")
    page.evaluate(STOP, 1400)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    sent = posts(page)
    assert button(page, "Approve").evaluate("(one) => getComputedStyle(one).opacity") == "0.55"
    button(page, "Approve").click(force=True)
    button(page, "Approve").focus()
    page.keyboard.press("Enter")
    assert sent == []
    page.evaluate(STOP, 1500)
    page.keyboard.press("Enter")
    page.wait_for_url("**/approvals/")
    assert len(sent) == 1


def test_it_goes_on_by_keyboard_to_the_next_call_of_the_run(live: Desk) -> None:
    run_id, _ = asked(live, "first.txt", "second.txt")
    page = live.page(f"/runs/{run_id}/", who="rene")
    field = page.locator(".call").filter(has_text="first.txt").get_by_label(REASON)
    field.fill("Not the first.")
    field.press("Control+Enter")
    expect(page.get_by_role("heading", level=2).filter(has_text="second.txt")).to_be_focused()
    assert [one["tool_call_id"] for one in live.pending(run_id)] != []


def test_it_sends_an_edit_by_keyboard(live: Desk) -> None:
    run_id, [approval] = asked(live, "shown.txt")
    live.model.will_say("Done.")
    page = live.page(at(approval), who="rene")
    page.get_by_text("Edit, then approve").click()
    page.get_by_label("path").fill("edited.txt")
    page.get_by_label("path").press("Control+Enter")
    live.wait(run_id, "completed")
    assert live.file(run_id, "edited.txt") == b"one\n"


@pytest.mark.parametrize("place", ["run", "card"])
def test_it_keeps_what_was_typed_when_somebody_else_decides(live: Desk, place: str) -> None:
    run_id, [one, two] = asked(live, "one.txt", "two.txt")
    page = live.page(f"/runs/{run_id}/" if place == "run" else at(one), who="rene")
    reason = page.get_by_label(REASON).first
    reason.fill("half a rea")
    live.decide(one, "approve")
    kept = page.locator(".kept")
    expect(kept).to_contain_text("Approved by test-operator-reviewer")
    expect(kept).to_contain_text("half a rea")
    expect(kept).to_be_focused()
    expect(kept.locator("form, textarea")).to_have_count(0)
    live.decide(two, "approve")  # another refresh does not take it away
    expect(page.locator("#panel, #card").get_by_text("Completed").first).to_be_visible()
    expect(kept).to_contain_text("half a rea")
    button(page, "Put it away").click()
    expect(kept).to_have_count(0)


def test_it_keeps_what_was_typed_when_the_run_is_cancelled(live: Desk) -> None:
    run_id, [approval] = asked(live, "one.txt")
    page = live.page(at(approval), who="rene")
    page.get_by_label(REASON).fill("half a rea")
    live.api.post(f"runs/{run_id}/cancel").raise_for_status()
    expect(page.locator(".kept")).to_contain_text("by test-operator-reviewer")
    expect(page.locator(".kept")).to_contain_text("half a rea")
