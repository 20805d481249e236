"""What a page weighs, and how much it moves while it lives."""

from __future__ import annotations

from playwright.sync_api import Page, Response, expect

from tests.browser.desk import Desk

KINDS = ("document", "stylesheet", "script", "image", "font")
MOST_BYTES = 100_000  # as sent over the wire, headers left out
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const parts = entry.sources.map((source) => source.node?.outerHTML?.slice(0, 80) ?? String(source.node));
    if (!entry.hadRecentInput) window.shifts.push([entry.value, parts]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""


def weigh(page: Page, path: str) -> tuple[int, int]:
    """The bytes that loading a page sends, and the bytes that they unfold to."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(path)
    counted = [answer for answer in answers if answer.request.resource_type in KINDS and answer.ok]
    sent = sum(answer.request.sizes()["responseBodySize"] for answer in counted)
    return sent, sum(len(answer.body()) for answer in counted)


def test_it_weighs_less_than_a_picture(live: Desk) -> None:
    live.model.will_call(
        {"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}}, text="May I?"
    )
    run_id = live.waiting("Write.")
    for path in (
        "/",
        f"/runs/{run_id}/",
        "/approvals/",
        f"/approvals/{live.pending(run_id)[0]['approval_id']}/",
        f"/threads/{live.run(run_id)['thread_id']}/",
        *("/runs/", "/threads/", "/doubts/", "/health/", "/maintenance/", "/agents/"),
    ):
        sent, whole = weigh(live.page(), path)
        assert sent < MOST_BYTES, (path, sent, whole)


def test_it_does_not_jump_when_rows_and_text_arrive(live: Desk) -> None:
    steps = live.model.will_say_slowly("word " * 30, 5)
    page = live.page(viewport={"width": 1280, "height": 900})
    page.add_init_script(WATCH_SHIFTS)
    live.start_on(page, "Say words.")
    for _ in range(5):
        steps.let(5)
        page.wait_for_timeout(150)
    steps.let_all()
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) < 0.1, shifts
