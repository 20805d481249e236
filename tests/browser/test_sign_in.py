"""Getting in and out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.desk import PASSWORD, Desk, sign_in

BUTTON = "Sign in"


def test_it_signs_in_once_with_a_link_and_a_look_uses_nothing_up(desk: Desk) -> None:
    link = desk.product.command("sign_in_link", "--user", "olga")
    for _ in range(3):  # a mail program, a preview, a reload
        desk.page(link, who=None)
    page, left_open = desk.page(link, who=None), desk.page(link, who=None)
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_url(f"{desk.product.url}/")
    expect(page.get_by_text("olga", exact=True).first).to_be_visible()

    desk.watch.expects(410)
    left_open.get_by_role("button", name=BUTTON).click()
    for second in (left_open, desk.page(link, who=None)):
        expect(second.get_by_role("heading", name="This link does not work any more")).to_be_visible()
        second.get_by_role("link", name="Sign in with a password").click()
        expect(second.get_by_label("Name")).to_be_focused()


def test_it_opens_the_link_that_the_first_start_prints(desk: Desk) -> None:
    assert desk.product.sign_in.startswith(desk.product.url)
    page = desk.page(desk.product.sign_in, who=None)
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_url(f"{desk.product.url}/")
    expect(page.get_by_text("admin", exact=True).first).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/runs/?state=failed&q=a%20b", "/approvals/", "/agents/"])
def test_it_asks_nobody_to_sign_in_and_goes_on_to_where_they_wanted(desk: Desk, path: str) -> None:
    page = desk.page(path, who=None)
    expect(page).to_have_url(re.compile(r"/sign-in/\?next="))
    sign_in(page, "vera")
    expect(page).to_have_url(f"{desk.product.url}{path}")


def test_it_keeps_the_name_after_a_wrong_password(desk: Desk) -> None:
    desk.watch.expects(422)
    page = desk.page("/runs/", who=None)
    sign_in(page, "rene", "not this one")
    expect(page.get_by_role("alert")).to_contain_text("do not fit")
    expect(page.get_by_label("Name")).to_have_value("rene")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/")


def test_it_signs_out_and_a_page_left_open_gives_the_text_back(desk: Desk) -> None:
    window = desk.window(who=None)
    page, left_open = window.new_page(), window.new_page()
    sign_in(page, "olga")
    page.wait_for_url(f"{desk.product.url}/")
    left_open.goto("/")
    page.get_by_text("olga", exact=True).first.click()
    desk.watch.expects(401)  # a refresh of the pages may be under way
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.goto("/runs/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=%2Fruns%2F$"))
    left_open.get_by_label("What should the agent do?").fill("List files")
    left_open.get_by_role("button", name="Start", exact=True).click()
    expect(left_open.get_by_text("Nothing was recorded")).to_be_visible()
    expect(left_open.get_by_label("Message")).to_have_value("List files")
    left_open.get_by_role("link", name="Sign in").click()
    left_open.wait_for_url("**/sign-in/?next=%2F")


def test_it_shows_nothing_to_a_person_without_a_role(desk: Desk) -> None:
    desk.watch.expects(404)
    page = desk.page("/", who="otto")
    expect(page.get_by_role("heading", name="You have no role yet")).to_be_visible()
    page.get_by_text("otto", exact=True).first.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
