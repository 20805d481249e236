"""The states before and beside the pages: signing in, and being refused."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk, sign_in


def sign_in_page(desk: Desk, page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/sign-in/")
    page.get_by_text("No password?").click()


def sign_in_refused(desk: Desk, page: Page) -> None:
    page.context.clear_cookies()
    desk.watch.expects(422)
    sign_in(page, "anna", "wrong")
    expect(page.get_by_role("alert")).to_be_visible()


def link_page(desk: Desk, page: Page) -> None:
    page.context.clear_cookies()
    page.goto(desk.product.command("sign_in_link", "--user", "olga"))


def link_gone(desk: Desk, page: Page) -> None:
    page.context.clear_cookies()
    desk.watch.expects(410)
    page.goto("/sign-in/link/nothing/")


def not_found(desk: Desk, page: Page) -> None:
    desk.watch.expects(404)
    page.goto("/runs/nothing/")


def post(page: Page, path: str, token: bool) -> None:
    """Sends a form that no page offers to this person."""
    page.evaluate(
        """([path, token]) => {
          const form = document.querySelector("form[action='/theme/']");
          form.action = path;
          if (!token) form.querySelector("[name=csrfmiddlewaretoken]").value = "none";
          form.submit();
        }""",
        [path, token],
    )
    page.wait_for_url(f"**{path}")


def forbidden(desk: Desk, page: Page) -> None:
    desk.watch.expects(403)
    with_role(desk, page, "vera")
    post(page, "/start/", token=True)


def form_too_old(desk: Desk, page: Page) -> None:
    desk.watch.expects(403)
    page.goto("/")
    post(page, "/start/", token=False)


def with_role(desk: Desk, page: Page, who: str) -> None:
    page.context.clear_cookies()
    sign_in(page, who)
    page.wait_for_url(f"{desk.product.url}/")


def board_of_a_viewer(desk: Desk, page: Page) -> None:
    with_role(desk, page, "vera")


def nothing_for_an_outsider(desk: Desk, page: Page) -> None:
    desk.watch.expects(404)
    with_role(desk, page, "otto")


def too_much(desk: Desk, page: Page) -> None:
    desk.watch.expects(413)
    page.goto("/")
    page.get_by_label("What should the agent do?").evaluate("(one) => { one.value = 'x'.repeat(2_000_000); }")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("That is too much at once")
