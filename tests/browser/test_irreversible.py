"""What nothing takes back is approved by two deliberate acts, and by no key that was meant for a field."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk

MAIL = {"name": "send_mail", "arguments": {"to": "boss@example.org", "copies": 1, "text": "I quit."}}
TICK = "I know that this cannot be undone"


def opened(live: Desk, *, script: bool = True, **arguments: Any) -> tuple[str, Page]:
    live.model.will_call({**MAIL, "arguments": {**MAIL["arguments"], **arguments}}, text="May I?")  # type: ignore[dict-item]
    live.model.will_say("Done.")
    run_id = live.waiting("Send it.")
    path = f"/approvals/{live.pending(run_id)[0]['approval_id']}/"
    return run_id, live.page(path, who="rene", java_script_enabled=script)


def form(page: Page, act: str) -> Locator:
    return page.locator(f"form[data-act='{act}']")


def approve(page: Page) -> Locator:
    return page.get_by_role("button", name="Approve", exact=True)


def still_waits(live: Desk, run_id: str) -> None:
    assert live.run(run_id)["state"] == "waiting_for_approval"


@pytest.mark.parametrize("script", [True, False])
def test_it_takes_a_tick_and_a_click(live: Desk, script: bool) -> None:
    run_id, page = opened(live, script=script)
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    assert "good" not in (approve(page).get_attribute("class") or "").split()
    approve(page).click()
    still_waits(live, run_id)
    form(page, "approve").get_by_label(TICK).check()
    approve(page).click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "sent.txt") == b"boss@example.org\nI quit."


@pytest.mark.parametrize("script", [True, False])
def test_enter_in_a_field_sends_nothing(live: Desk, script: bool) -> None:
    run_id, page = opened(live, script=script)
    tick = form(page, "approve").get_by_label(TICK)
    tick.check()
    tick.press("Enter")
    page.get_by_text("Edit, then approve").click()
    edit = form(page, "edit")
    edit.get_by_label(TICK).check()
    for key in ("Enter", "Control+Enter"):
        edit.get_by_label("copies").press(key)
    edit.get_by_label("text").press("Control+Enter")
    page.wait_for_timeout(300)
    still_waits(live, run_id)
    edit.get_by_label("copies").fill("2")
    page.get_by_role("button", name="Approve the edit").click()
    live.wait(run_id, "completed")


def test_it_takes_no_tick_to_reject_or_answer(live: Desk) -> None:
    run_id, page = opened(live)
    page.get_by_label("Why not? The model reads this.").fill("Sleep on it.")
    page.get_by_role("button", name="Reject").click()
    live.wait(run_id, "completed")
    assert "Sleep on it." in live.model.told()[0]


def test_a_long_one_without_a_script_is_shown_whole_before_it_is_sent(live: Desk) -> None:
    text = "".join(f"line {number}\n" for number in range(99))
    run_id, page = opened(live, script=False, text=text)
    form(page, "approve").get_by_label(TICK).check()
    approve(page).click()
    expect(page.get_by_role("heading", name="Read all of it, then approve")).to_be_visible()
    still_waits(live, run_id)
    assert page.locator(".values dd").last.inner_text().strip() == text.strip()
    last = page.locator("dd").last.bounding_box()
    button = approve(page).bounding_box()
    assert last
    assert button
    assert button["y"] >= last["y"] + last["height"]
    approve(page).click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "sent.txt").decode().endswith(text)


def test_it_is_never_decided_together_with_others(live: Desk) -> None:
    run_id, _ = opened(live)
    [approval] = live.pending(run_id)
    item = {"approval_id": approval["approval_id"], "decision": "approve", "digest": approval["digest"]}
    answer = live.api.post("approvals/decisions", json={"items": [item]}).raise_for_status().json()
    assert answer["items"][0]["status"] == 422
    still_waits(live, run_id)
