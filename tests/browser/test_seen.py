"""Approve comes alive when all that will run was on the screen; until then it leads to the rest."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.browser.reading import (
    LINES,
    LONG,
    SMALL,
    approve,
    asked,
    at,
    drawn,
    end_of,
    is_armed,
    is_asleep,
    jump,
    posts,
    read_on,
    write,
)


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
