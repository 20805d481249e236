"""Approve comes alive when all that will run was on the screen; until then it leads to the rest."""

from __future__ import annotations

from typing import Any

import pytest
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


def posts(page: Page) -> list[str]:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def is_armed(button: Locator) -> None:
    expect(button).to_have_attribute("aria-disabled", "false")


def is_asleep(button: Locator) -> None:
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_attribute("title", "Scroll through all of it first: the rest is above.")


def test_a_short_card_is_armed_at_once(live: Desk) -> None:
    _, [approval] = asked(live, write("a.txt", "one\n"))
    plain = live.page(at(approval), viewport={"width": 1180, "height": 820}, java_script_enabled=False)
    page = live.page(viewport={"width": 1180, "height": 820})
    page.add_init_script(
        """
        window.looks = [];
        new MutationObserver((all) => window.looks.push(...all.filter((one) => one.target.value === "approve")
          .map((one) => one.target.ariaDisabled)))
          .observe(document, { attributes: true, subtree: true, attributeFilter: ["aria-disabled"] });
        """
    )
    page.goto(at(approval))
    is_armed(approve(page))
    drawn(page)
    assert page.evaluate("window.looks") == ["false"]
    expect(page.locator("[data-rest]")).to_be_hidden()
    sizes = [one.locator(".decide").bounding_box() for one in (page, plain)]
    assert len({box and box["height"] for box in sizes}) == 1


@pytest.mark.parametrize("place", ["card", "run", "thread"])
def test_a_long_card_is_armed_when_its_end_was_reached_step_by_step(live: Desk, place: str) -> None:
    run_id, [approval] = asked(live, write("a.txt"))
    thread = live.run(run_id)["thread_id"]
    path = {"card": at(approval), "run": f"/runs/{run_id}/", "thread": f"/threads/{thread}/"}[place]
    page = live.page(path, who="rene", viewport=SMALL)
    jump(page, 0)
    button = approve(page)
    expect(button).to_have_attribute("aria-disabled", "true")
    end_of(page)
    is_asleep(button)  # its end is not all of it
    expect(page.locator("[data-rest]")).to_contain_text("the rest is above")
    jump(page, 0)
    read_on(page, 4)
    expect(button).to_have_attribute("aria-disabled", "true")
    read_on(page, 30)
    is_armed(button)
    expect(button).to_have_attribute("title", "")
    expect(page.locator("[data-rest]")).to_have_text("All of it was on your screen.")
    button.click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "a.txt").decode() == LONG


def test_nothing_moves_when_it_is_armed(live: Desk) -> None:
    _, [approval] = asked(live, write("a.txt"))
    page = live.page(at(approval), viewport=SMALL)
    end_of(page)
    before = page.evaluate("document.documentElement.scrollHeight"), approve(page).bounding_box()
    jump(page, 0)
    read_on(page, 40)
    is_armed(approve(page))
    end_of(page)
    assert (page.evaluate("document.documentElement.scrollHeight"), approve(page).bounding_box()) == before


def test_it_sends_nothing_before_but_leads_to_the_rest(live: Desk) -> None:
    run_id, [approval] = asked(live, write("a.txt"))
    page = live.page(at(approval), who="rene", viewport=SMALL)
    sent = posts(page)
    end_of(page)
    button = approve(page)
    expect(button).to_have_css("pointer-events", "auto")
    button.click(force=True)
    expect(page.get_by_role("status").filter(has_text="Not approved")).to_have_count(1)
    assert page.evaluate("scrollY") < SMALL["height"]  # where the first screen ended
    pressed = 0
    while button.get_attribute("aria-disabled") == "true":
        before = page.evaluate("scrollY")
        button.press("Enter")
        drawn(page)
        pressed += 1
        assert pressed < 20, before
    assert pressed >= LINES * 18 / SMALL["height"] / 2
    button.press("Enter")  # a key that is held does not go on to approve
    drawn(page)
    expect(page.get_by_role("status").filter(has_text="All of it was on your screen.")).to_have_count(1)
    assert sent == []
    assert live.run(run_id)["state"] == "waiting_for_approval"
    page.wait_for_timeout(800)
    button.press("Enter")
    live.wait(run_id, "completed")


def test_the_other_decisions_do_not_wait(live: Desk) -> None:
    run_id, [approval] = asked(live, write("a.txt"))
    page = live.page(at(approval), who="rene", viewport=SMALL)
    page.get_by_label("Why not? The model reads this.").fill("Too long.")
    page.get_by_role("button", name="Reject").click()
    live.wait(run_id, "completed")
    assert "Too long." in live.model.told()[0]


def test_every_card_of_a_page_counts_for_itself(live: Desk) -> None:
    run_id, _ = asked(live, write("first.txt"), write("second.txt", "one\n"), write("third.txt"))
    page = live.page(f"/runs/{run_id}/", who="rene", viewport=SMALL)
    cards = [page.locator(".call").filter(has_text=f"{name}.txt") for name in ("first", "second", "third")]
    jump(page, 0)
    cards[1].evaluate("(card) => card.scrollIntoView({block: 'center', behavior: 'instant'})")
    drawn(page)
    is_armed(approve(cards[1]))
    expect(approve(cards[0])).to_have_attribute("aria-disabled", "true")
    expect(approve(cards[2])).to_have_attribute("aria-disabled", "true")
    read_on(page, 40)
    is_armed(approve(cards[2]))
    expect(approve(cards[0])).to_have_attribute("aria-disabled", "true")


def test_what_was_seen_stays_seen_when_others_decide(live: Desk) -> None:
    run_id, [_, other] = asked(live, write("first.txt"), write("other.txt", "one\n"))
    page = live.page(f"/runs/{run_id}/", who="rene", viewport=SMALL)
    jump(page, 0)
    read_on(page, 40)
    first = page.locator(".call").filter(has_text="first.txt")
    is_armed(approve(first))
    live.decide(other, "approve")
    expect(page.locator(".call").filter(has_text="other.txt")).to_contain_text("Approved by")
    drawn(page)
    is_armed(approve(first))
    jump(page, 0)
    is_armed(approve(first))


def test_a_comparison_that_is_another_by_now_has_to_be_seen_again(live: Desk) -> None:
    run_id, [approval] = asked(live, write("a.txt"))
    folder = live.product.data_dir / "threads" / live.run(run_id)["thread_id"] / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.txt").write_text(LONG + "the end\n")
    page = live.page(at(approval), who="rene", viewport=SMALL)
    jump(page, 0)
    read_on(page, 40)
    is_armed(approve(page))
    (folder / "a.txt").write_text("another beginning\n" + LONG)
    page.evaluate("htmx.trigger('#card', 'refresh')")
    expect(page.locator(".diff")).to_contain_text("another beginning")
    expect(approve(page)).to_have_attribute("aria-disabled", "true")
    expect(page.locator("input[name='all']")).to_have_value("")


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
