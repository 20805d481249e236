"""What can be measured on a page."""

from __future__ import annotations

from playwright.sync_api import Page

WIDTHS = (360, 640, 1280)  # a phone, a 1280 window at 200 %, a desk
UNFOLD = """
for (const fold of document.querySelectorAll("main details")) {
  fold.removeAttribute("name");
  fold.open = true;
}
"""
READ = """
async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  scrollTo({ top: 0, behavior: "instant" });
  for (let before = -1; before !== scrollY; ) {
    await drawn();
    before = scrollY;
    scrollBy({ top: innerHeight * 0.7, behavior: "instant" });
  }
}
"""


def read_through(page: Page) -> None:
    """Scrolls from the top to the end, as a reader does: everything is on the screen at some time."""
    page.evaluate(READ)


def unfold(page: Page) -> None:
    """Opens everything that can be opened."""
    page.evaluate(UNFOLD)


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    found: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found


def fits(page: Page) -> None:
    """No page scrolls sideways, at any width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) == 0, f"{page.url} is {overflow(page)} px too wide at {width}"
