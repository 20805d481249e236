"""A reader of cards: goes through long ones screen by screen, and looks whether Approve is alive."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk

LINES = 120
LONG = "".join(f"line {number}\n" for number in range(LINES))
SMALL = {"width": 1000, "height": 500}
#: One screen further, as a reader goes: never past what was not shown.
ON = "scrollBy({top: innerHeight / 2, behavior: 'instant'})"
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def write(path: str, content: str = LONG) -> dict[str, Any]:
    return {"name": "write_file", "arguments": {"path": path, "content": content}}


def asked(live: Desk, *calls: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    live.model.will_call(*calls, text="May I?")
    live.model.will_say("Done.")
    run_id = live.waiting("Write something.")
    return run_id, live.pending(run_id)


def at(approval: dict[str, Any]) -> str:
    return f"/approvals/{approval['approval_id']}/"


def approve(page: Page | Locator) -> Locator:
    return page.get_by_role("button", name="Approve", exact=True)


def drawn(page: Page) -> None:
    """What scrolled has been looked at."""
    page.evaluate(DRAWN)


def jump(page: Page, to: float) -> None:
    page.evaluate("(to) => scrollTo({top: to, behavior: 'instant'})", to)
    drawn(page)


def read_on(page: Page, steps: int) -> None:
    for _ in range(steps):
        page.evaluate(ON)
        drawn(page)


def end_of(page: Page) -> None:
    jump(page, 1_000_000)


def posts(page: Page) -> list[str]:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def is_armed(button: Locator) -> None:
    expect(button).to_have_attribute("aria-disabled", "false")


def is_asleep(button: Locator) -> None:
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_attribute("title", "Scroll through all of it first: the rest is above.")
