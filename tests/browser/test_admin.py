"""The administrator's site in a real browser: under the policy, in both schemes, and one act in it."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.desk import Desk

PLACES = [
    "/admin/",
    "/admin/runtime/run/",
    "/admin/runtime/run/{run}/change/",
    "/admin/runtime/event/?run__exact={run}",
    "/admin/runtime/approval/{approval}/change/",
    "/admin/runtime/serviceaccount/",
    "/admin/runtime/serviceaccount/1/change/",
    "/admin/runtime/serviceaccount/1/revoke/",
    "/admin/auth/user/",
    "/admin/auth/user/1/change/",
    "/admin/auth/user/add/",
    "/admin/auth/user/1/password/",
    "/admin/admin/logentry/",
]


def addresses(desk: Desk) -> list[str]:
    """The places, for a run that waits with hostile words."""
    run = desk.waiting("write <script>alert(1)</script>\u202etxt to notes/hostile.txt")
    approval = desk.pending(run)[0]["approval_id"]
    return [place.format(run=run, approval=approval) for place in PLACES]


def test_it_gives_the_browser_nothing_to_refuse(desk: Desk) -> None:
    page = desk.page()
    for address in addresses(desk):
        answer = page.goto(address, wait_until="networkidle")
        assert answer is not None
        assert answer.ok
    # What the browser complained about is judged at the end of every test.


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(desk: Desk, scheme: Literal["light", "dark"]) -> None:
    # The checker brings styles of its own, which the policy would refuse.
    page = desk.page(color_scheme=scheme, bypass_csp=True)
    desk.watch.expects("preload assets")
    for address in addresses(desk):
        page.goto(address)
        violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
        assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == [], address


def test_it_leads_from_a_run_to_its_record_and_back(desk: Desk) -> None:
    run = desk.waiting("write a to notes/there-and-back.txt")
    page = desk.page(f"/runs/{run}/")
    page.get_by_role("link", name="in the admin").click()
    expect(page.get_by_role("heading", name=run)).to_be_visible()
    page.get_by_role("link", name="Open its page").click()
    page.wait_for_url(f"**/runs/{run}/")


@pytest.mark.parametrize("width", [390, 1440])
def test_one_long_title_leaves_room_for_the_other_columns(desk: Desk, width: int) -> None:
    desk.start("x" * 300)
    page = desk.page("/admin/runtime/run/", viewport={"width": width, "height": 900})
    for name, most in (("title", 352), ("run_id", 352 if width > 767 else 160)):
        box = page.locator(f".results .field-{name}").first.bounding_box()
        assert box is not None
        assert box["width"] <= most


def test_it_revokes_a_token_in_two_acts(desk: Desk) -> None:
    desk.product.command("token", "short-lived")
    page = desk.page("/admin/runtime/serviceaccount/")
    page.get_by_role("link", name="short-lived").click()
    page.get_by_role("link", name="Revoke its token").click()
    page.get_by_role("button", name="Revoke the token").click()
    expect(page.get_by_text("is refused from now on")).to_be_visible()
    expect(page.get_by_role("link", name="Revoke its token")).to_have_count(0)
