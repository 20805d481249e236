"""What looks secret in a call: masked, shown on request, edited, and masked again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk
from tests.browser.look import fits, unfold

KEY = "AKIAABCDEFGHIJKLMNOP"
MASK = "[looks secret: 20 characters]"
CALL = {"name": "write_file", "arguments": {"path": "aws.ini", "content": f"region = eu\nkey = {KEY}\n"}}


def waiting(live: Desk) -> tuple[str, str]:
    """A run that waits for a call with a key in it, and the address of the card."""
    live.model.will_call(CALL, text="May I?")
    run_id = live.waiting("Set it up.")
    live.model.will_say("Done.")
    return run_id, f"/approvals/{live.pending(run_id)[0]['approval_id']}/"


def values(page: Page) -> Locator:
    return page.locator("dl.values").first


@pytest.mark.parametrize("script", [True, False], ids=["script", "none"])
def test_it_is_masked_revealed_and_edited(live: Desk, script: bool) -> None:
    run_id, card = waiting(live)
    page = live.page(card, who="rene", java_script_enabled=script)
    expect(values(page).locator(".masked")).to_have_text(MASK)
    expect(page.get_by_text("1 value on this card looks secret and is masked.")).to_be_visible()
    assert KEY not in page.content()
    page.get_by_text("Edit, then approve").click()
    expect(page.get_by_label("content")).to_have_count(0)
    expect(page.get_by_text("show what is masked to edit it")).to_be_visible()
    page.get_by_role("button", name="Show what is masked").click()
    expect(values(page)).to_contain_text(KEY)
    assert KEY not in page.title()
    page.get_by_text("Edit, then approve").click()
    page.get_by_label("content").fill(f"region = us\nkey = {KEY}\n")
    page.get_by_role("button", name="Approve the edit").click()
    page.wait_for_url("**/approvals/")
    live.wait(run_id, "completed")
    assert live.file(run_id, "aws.ini").decode() == f"region = us\nkey = {KEY}\n"
    for path in (card, f"/runs/{run_id}/"):
        page.goto(path)
        assert KEY not in page.content()


def test_an_untouched_key_runs_though_nobody_saw_it(live: Desk) -> None:
    run_id, card = waiting(live)
    page = live.page(card, who="rene")
    page.get_by_text("Edit, then approve").click()
    page.get_by_label("path").fill("other.ini")
    page.get_by_role("button", name="Approve the edit").click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "other.ini").decode() == CALL["arguments"]["content"]  # type: ignore[index]


def test_it_can_be_masked_again(live: Desk) -> None:
    _, card = waiting(live)
    page = live.page(card, who="rene")
    page.get_by_role("button", name="Show what is masked").click()
    expect(values(page)).to_contain_text(KEY)
    page.get_by_role("link", name="Mask again").click()
    expect(values(page).locator(".masked")).to_have_text(MASK)
    assert KEY not in page.content()


def test_it_is_on_the_runs_page_and_an_administrator_sees_who_looked(live: Desk) -> None:
    run_id, _ = waiting(live)
    page = live.page(f"/runs/{run_id}/", who="olga")
    assert KEY not in page.content()
    page.get_by_role("button", name="Show what is masked").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("aws.ini")
    expect(values(page)).to_contain_text(KEY)
    admin = live.page("/admin/runtime/reveal/", who="anna")
    row = admin.locator("#result_list tbody tr").first
    expect(row).to_contain_text("olga")
    expect(row).to_contain_text("write_file")


def test_it_fits(live: Desk) -> None:
    _, card = waiting(live)
    page = live.page(card, who="rene")
    unfold(page)
    fits(page)
    page.get_by_role("button", name="Show what is masked").click()
    expect(values(page)).to_contain_text(KEY)
    unfold(page)
    fits(page)
