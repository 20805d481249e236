"""What people do to pages: double clicks, tabs in the background, the way back, a machine that sleeps."""

from __future__ import annotations

from playwright.sync_api import Page, Request, Route, expect

from tests.browser.desk import Desk

HIDDEN = """
window.away = true;
Object.defineProperty(document, "hidden", { configurable: true, get: () => window.away });
"""
COME_BACK = "window.away = false; document.dispatchEvent(new Event('visibilitychange'))"


def is_stream(request: Request) -> bool:
    return "/stream?" in request.url


def click_twice(page: Page, button: str, path: str) -> None:
    """A double click while the server takes its time."""
    held: list[Route] = []
    page.route(path, lambda route: held.append(route))
    page.get_by_role("button", name=button, exact=True).hover()
    with page.expect_request(path):
        page.mouse.down()
        page.mouse.up()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(100)  # what a second request would need
    assert len(held) == 1
    held[0].continue_()


def test_it_starts_one_run_at_a_double_click(live: Desk) -> None:
    page = live.page("/")
    page.get_by_label("What should the agent do?").fill("Only once, please.")
    click_twice(page, "Start", "**/start/")
    page.wait_for_url("**/runs/*/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Only once, please.")


def test_it_says_that_it_sends_until_the_page_is_there(live: Desk) -> None:
    page = live.page("/")
    page.get_by_label("What should the agent do?").fill("Take your time.")
    page.route("**/start/", lambda route: route.fulfill(status=204))  # the browser stays where it is
    with page.expect_request("**/start/") as sent:
        page.get_by_role("button", name="Start", exact=True).click()
    key = page.locator("#composer [data-key]")
    first = (sent.value.post_data_json or {})["key"]
    assert first == key.input_value() != ""
    expect(page.get_by_role("button", name="Sending …")).to_have_attribute("aria-busy", "true")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.get_by_role("button", name="Start", exact=True)).not_to_have_attribute("aria-busy", "true")
    assert key.input_value() != first


def test_it_decides_once_at_a_double_click(live: Desk) -> None:
    live.model.will_call({"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}})
    run_id = live.waiting("Write.")
    page = live.page(f"/approvals/{live.pending(run_id)[0]['approval_id']}/", who="rene")
    click_twice(page, "Approve", "**/decide/")
    expect(page.get_by_role("status").filter(has_text="Approved")).to_be_visible()
    live.wait(run_id, "completed")


ARMING = "document.getAnimations().filter((one) => one.animationName === 'armed')"
#: Stops the buttons' arming at a moment, in ms after the card came.
STOP = f"(ms) => {ARMING}.forEach((one) => {{ one.pause(); one.currentTime = ms; }})"
ARMED = """
() => [...document.querySelectorAll(".decide button")]
  .map((one) => getComputedStyle(one).pointerEvents !== "none")
"""


def test_it_does_not_decide_by_a_click_that_was_meant_for_the_card_before(live: Desk) -> None:
    live.model.will_call({"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}})
    run_id = live.waiting("Write.")
    page = live.page(f"/approvals/{live.pending(run_id)[0]['approval_id']}/", who="rene")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    approve = page.get_by_role("button", name="Approve", exact=True)
    approve.wait_for()
    page.evaluate(STOP, 0)
    box = approve.bounding_box()
    assert box is not None
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.evaluate(STOP, 690)
    assert set(page.evaluate(ARMED)) == {False}
    page.mouse.click(*place)
    page.evaluate(STOP, 700)
    assert set(page.evaluate(ARMED)) == {True}
    assert live.run(run_id)["state"] == "waiting_for_approval"
    assert sent == []
    page.mouse.click(*place)
    expect(page.get_by_role("status").filter(has_text="Approved")).to_be_visible()
    assert len(sent) == 1


def test_it_keeps_what_was_typed_when_it_is_too_much_at_once(live: Desk) -> None:
    page = live.page("/", who="olga")
    field = page.get_by_label("What should the agent do?")
    field.evaluate("(field) => { field.value = 'word '.repeat(600_000); }")
    live.watch.expects(413)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("That is too much at once")
    page.go_back()
    assert field.evaluate("(field) => field.value.length") == 3_000_000


def test_it_can_be_used_again_after_the_way_back(live: Desk) -> None:
    page = live.page("/")
    for text in ("First.", "Second."):
        page.get_by_label("What should the agent do?").fill(text)
        page.get_by_role("button", name="Start", exact=True).click()
        page.wait_for_url("**/runs/*/")
        expect(page.get_by_role("heading", level=1)).to_have_text(text)
        page.go_back()


def test_it_keeps_no_connection_open_in_a_tab_in_the_background(live: Desk) -> None:
    """A browser has six for a site: seven runs opened in the background would stop every other page."""
    steps = live.model.will_say_slowly("one two six ten end", 4)
    run_id = live.start("Count.")
    page = live.page()
    page.add_init_script(HIDDEN)
    with page.expect_event("requestfailed", is_stream):
        page.goto(f"/runs/{run_id}/")
    steps.let(4)
    with page.expect_request(is_stream):
        page.evaluate(COME_BACK)
    expect(page.locator("[data-streaming]")).to_have_text("one two six ten ")
    steps.let_all()
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()


def offline(page: Page, yes: bool) -> None:
    page.context.set_offline(yes)


def test_it_says_when_it_is_cut_off_and_catches_up(live: Desk) -> None:
    steps = live.model.will_say_slowly("one two six ten end", 4)
    run_id = live.start("Count.")
    page = live.page(f"/runs/{run_id}/")
    steps.let(2)
    expect(page.locator("[data-streaming]")).to_have_text("one two ")
    live.watch.expects("ERR_INTERNET_DISCONNECTED", "htmx:", "Failed to fetch")
    # The network goes while the tab sleeps; it is missed when the tab wakes up.
    page.evaluate(HIDDEN + "document.dispatchEvent(new Event('visibilitychange'))")
    offline(page, True)
    page.evaluate(COME_BACK)
    note = page.get_by_text("The server does not answer")
    expect(note).to_be_visible()
    expect(page.locator(".toasts")).to_have_count(1)  # two of them would lie on each other
    steps.let_all()
    live.wait(run_id, "completed")
    offline(page, False)
    expect(note).to_be_hidden()
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()
    expect(page.locator("#transcript .prose")).to_have_text("one two six ten end")


def test_it_offers_nothing_for_many_where_there_is_none(desk: Desk) -> None:
    desk.start("List files")
    page = desk.page("/runs/")
    expect(page.locator("#bulk")).to_be_visible()
    page.goto("/runs/?q=zzzz")
    expect(page.locator("#bulk")).to_be_hidden()


def test_the_times_open_where_they_stand(desk: Desk) -> None:
    page = desk.page("/runs/")
    before = place(page, ".times > summary")
    page.locator(".times > summary").click()
    assert place(page, ".times > summary") == before
    assert place(page, ".filters > button") > place(page, "#until"), "first the dates, then what sends them"


def place(page: Page, selector: str) -> tuple[float, float]:
    """Where its line is, to 10 px, and where it stands in it: the order in which people read."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    return round(box["y"] + box["height"] / 2, -1), box["x"]
