"""What counts as seen in windows of any size, below bars, in boxes and folds: what was really visible."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.reading import SMALL, approve, asked, at, drawn, is_armed, is_asleep, jump, read_on, write


def number_at(page: Page, y: float) -> int:
    """The number of the line that is in the window there."""
    found = page.evaluate(
        """(y) => {
          const { offsetNode, offset } = document.caretPositionFromPoint(60, y);
          return offsetNode.data.slice(0, offset + 4);
        }""",
        y,
    )
    return int(str(found).rpartition("\n")[2][:3])


def test_a_larger_window_shows_the_rest(live: Desk) -> None:
    _, [approval] = asked(live, write("a.txt", "line\n" * 30))
    page = live.page(at(approval), viewport=SMALL)
    jump(page, 0)
    expect(approve(page)).to_have_attribute("aria-disabled", "true")
    page.set_viewport_size({"width": 1000, "height": 1400})
    is_armed(approve(page))


def test_what_was_seen_stays_seen_in_a_narrower_window(live: Desk) -> None:
    _, [approval] = asked(live, write("a.txt", "some words " * 400))
    page = live.page(at(approval), viewport=SMALL)
    jump(page, 0)
    read_on(page, 30)
    is_armed(approve(page))
    page.set_viewport_size({"width": 360, "height": 640})
    drawn(page)
    is_armed(approve(page))


def test_half_of_it_stays_seen_when_the_lines_lie_elsewhere(live: Desk) -> None:
    lines = [f"{number:03} short" for number in range(60)]
    lines += [f"{number:03} {'and many more words ' * 12}" for number in range(60, 120)]
    _, [approval] = asked(live, write("a.txt", "\n".join(lines)))
    page = live.page(at(approval), viewport=SMALL)
    jump(page, 0)
    read_on(page, 3)
    reached = number_at(page, SMALL["height"] - 30)
    assert 20 < reached < 60
    page.set_viewport_size({"width": 420, "height": 500})
    drawn(page)
    expect(approve(page)).to_have_css("pointer-events", "auto")
    approve(page).dispatch_event("click")
    drawn(page)
    assert reached - 3 <= number_at(page, 100) <= reached + 3
    read_on(page, 120)
    is_armed(approve(page))


def test_an_inner_box_counts_only_what_it_shows(live: Desk) -> None:
    _, [approval] = asked(live, write("a.txt"))
    page = live.page(viewport={"width": 1000, "height": 1200})
    page.route(
        "**/content*.css",
        lambda route: route.fulfill(
            response=(got := route.fetch()),
            body=got.text() + ".values .block { max-height: 200px; overflow-y: auto; }",
        ),
    )
    page.goto(at(approval))
    button = approve(page)
    expect(button).to_have_attribute("aria-disabled", "true")
    box = page.locator(".values .block").last
    for top in range(0, 3_000, 150):
        box.evaluate("(box, top) => { box.scrollTop = top; }", top)
        drawn(page)
    is_armed(button)


def test_a_fold_hides_what_is_in_it(live: Desk) -> None:
    _, [approval] = asked(live, write("a.txt", "one\n"))
    page = live.page(viewport={"width": 1180, "height": 820})
    page.route(
        f"**{at(approval)}",
        lambda route: route.fulfill(
            response=(got := route.fetch()),
            body=got.text().replace('<dl class="values">', "<details><summary>More</summary><dl>"),
        ),
    )
    page.goto(at(approval))
    expect(approve(page)).to_have_attribute("aria-disabled", "true")
    expect(approve(page)).to_have_css("pointer-events", "auto")
    approve(page).click(force=True)
    expect(page.locator("dd").last).to_be_visible()
    is_armed(approve(page))


def test_what_is_zoomed_by_hand_shows_less(live: Desk) -> None:
    _, [approval] = asked(live, write("a.txt", "line\n" * 60))
    page = live.page(at(approval), viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 3})
    assert page.evaluate("visualViewport.height") < 250
    jump(page, 0)
    read_on(page, 20)  # half a window each, of which a third is shown
    expect(approve(page)).to_have_attribute("aria-disabled", "true")
    devtools.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 1})
    jump(page, 0)
    read_on(page, 20)
    is_armed(approve(page))


def test_the_bars_hide_what_is_below_them(live: Desk) -> None:
    _, [approval] = asked(live, write("a.txt", "line\n" * 40))
    page = live.page(at(approval), viewport={"width": 360, "height": 640})
    bars = page.evaluate(
        "['.bar', '.nav'].map((one) => document.querySelector(one).getBoundingClientRect().height)"
    )
    assert min(bars) > 40
    jump(page, 0)
    while approve(page).get_attribute("aria-disabled") == "true":
        before = page.evaluate("scrollY")
        page.evaluate("scrollBy({top: innerHeight, behavior: 'instant'})")  # more than the bars leave free
        drawn(page)
        if page.evaluate("scrollY") == before:
            break
    is_asleep(approve(page))
