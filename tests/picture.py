"""The pictures of the README: `python -m tests.picture` takes them from the product itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests import chromium
from tests.product import Product, running

FOLDER = Path(__file__).resolve().parent.parent / ".readme"
REQUEST = "plan: write “Ship on Friday, after the review” to notes/release.md, then read notes/release.md"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    """A run that waits for a person."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        running(Path(data)) as product,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        path = ""
        for scheme in SCHEMES:
            page = sign_in(browser, product, scheme)
            path = path or start(page)
            page.goto(path)
            page.get_by_role("button", name="Approve").first.wait_for()
            page.get_by_text("Waits for a decision about").wait_for()
            page.screenshot(path=FOLDER / f"run-{scheme}.png", animations="disabled")
        browser.close()


def sign_in(browser: Browser, product: Product, scheme: Literal["light", "dark"]) -> Page:
    """The board, in a window of its own."""
    page = browser.new_page(
        base_url=product.url, color_scheme=scheme, viewport={"width": 1180, "height": 900}
    )
    page.goto(product.command("sign_in_link"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{product.url}/")
    return page


def start(page: Page) -> str:
    """Starts the run on the board; gives the address of its page."""
    page.get_by_label("What should the agent do?").fill(REQUEST)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/runs/*/")
    return page.url


if __name__ == "__main__":
    main()
