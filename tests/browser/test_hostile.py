"""Texts that want to be markup, scripts or something else than they look like: shown, never obeyed."""

from __future__ import annotations

import re
import sys

import pytest
from playwright.sync_api import Page, expect

from runtime.web.hidden import hidden_characters
from runtime.web.text import show
from tests.browser.desk import Desk
from tests.browser.look import fits, read_through, unfold

MARKUP = (
    "<script>alert('s')</script><img src=x onerror=alert('i')><svg onload=alert('v')>"
    "</textarea></title><style>*{display:none}</style>\"onfocus=alert('a') autofocus x=\""
)
LINKS = (
    "[click](javascript:alert('j')) [data](data:text/html,<script>alert(1)</script>) "
    "[bank](https://bank.example.com.evil.example/) ![pixel](https://evil.example/p.png) "
    "<javascript:alert('k')>"
)
TURNED = "pay \u202eeciohc ruoy\u202c to b\u200bob\u2066\U000e0041"
LONG = "unbroken" * 200
EVERYTHING = "\n\n".join((MARKUP, LINKS, TURNED, LONG))


def is_harmless(page: Page) -> None:
    """Nothing of the texts became an element, an address or an invisible character, and all fits."""
    assert (
        page.locator("img, iframe, object, embed, main script, main style, [onerror], [onload]").count() == 0
    )
    addresses = page.evaluate("[...document.querySelectorAll('a')].map((a) => a.getAttribute('href'))")
    assert [a for a in addresses if not a.startswith(("/", "?", "#", "http", "mailto:"))] == []
    assert "\u202e" not in page.locator("body").inner_text()
    assert "\u202e" not in page.title()
    fits(page)


def hostile_run(live: Desk) -> str:
    """A run in which everyone says hostile things; it waits for a decision about a hostile call."""
    live.model.will_call(
        {"name": MARKUP[:60], "arguments": {LONG: EVERYTHING}},
        {"name": "ls", "arguments": "not JSON " + MARKUP},
        {
            "name": "write_todos",
            "arguments": {"todos": [{"content": MARKUP + LONG[:200], "status": "pending"}]},
        },
        {"name": "write_file", "arguments": {"path": MARKUP[:80], "content": EVERYTHING}},
        text=EVERYTHING,
    )
    return live.waiting(EVERYTHING)


@pytest.mark.parametrize(
    "name", ["run", "approval", "thread", "events", "board", "runs", "threads", "approvals"]
)
def test_it_shows_hostile_texts_and_obeys_none(live: Desk, name: str) -> None:
    run_id = hostile_run(live)
    approval = live.pending(run_id)[-1]["approval_id"]
    paths = {
        "run": f"/runs/{run_id}/",
        "approval": f"/approvals/{approval}/",
        "thread": f"/threads/{live.run(run_id)['thread_id']}/",
        "events": f"/runs/{run_id}/events/",
        "board": "/",
        "runs": "/runs/?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "threads": "/threads/",
        "approvals": "/approvals/",
    }
    page = live.page(paths[name], who="anna")
    if name == "runs":
        expect(page.get_by_label("Text or id")).to_have_value("<script>alert(1)</script>")
        page.goto("/runs/")
    main = page.locator("main")
    if name != "approvals":
        expect(main).to_contain_text("<script>alert('s')</script>")
    if name in ("run", "approval", "thread"):
        expect(main).to_contain_text("U+202E")
        expect(main).to_contain_text("javascript:alert('j')")
    unfold(page)
    is_harmless(page)


def test_it_streams_hostile_text_without_obeying_it(live: Desk) -> None:
    whole = EVERYTHING
    steps = live.model.will_say_slowly(whole, 7)
    page = live.page()
    live.start_on(page, "Be hostile.")
    steps.let(len(whole) // 7 - 5)
    stream = page.locator("[data-streaming]")
    expect(stream).to_contain_text("<script>alert('s')</script><img src=x onerror=alert('i')>")
    expect(stream).to_contain_text("pay U+202Eeciohc")
    is_harmless(page)
    steps.let_all()
    expect(page.locator("#panel").get_by_text("Completed")).to_be_visible()
    is_harmless(page)


def test_it_marks_in_streamed_text_what_the_server_marks(live: Desk) -> None:
    page = live.page("/")
    marked = page.evaluate(
        """async (last) => {
          const { hiddenMarks } = await import("/static/base/marks.js");
          const marks = [];
          for (let point = 0; point <= last; point++) {
            const piece = hiddenMarks(`a${String.fromCodePoint(point)}`);
            if (piece.querySelector(".mark")) marks.push(point);
          }
          return marks;
        }""",
        sys.maxunicode,
    )
    assert marked == [point for point in range(sys.maxunicode + 1) if hidden_characters(f"a{chr(point)}")]
    for before, text in [
        ("", "\u2764\ufe0f 1\ufe0f\u20e3 \U0001f469\u200d\U0001f4bb a\r\nb"),
        ("", "2\ufe0f *\ufe0f \u3042\u200d\u3044 \u3000x\ufffc\u200b\u200b\u200b\U000e0041\U000e0041 \r"),
        ("\u2764", "\ufe0f"),
        ("b\U0001f469", "\u200d\U0001f4bb"),
        ("ab", "\ufe0f\u200d"),
    ]:
        marks = page.evaluate(
            """async ([text, before]) => {
              const { hiddenMarks } = await import("/static/base/marks.js");
              const piece = hiddenMarks(text, before);
              const marks = [...piece.querySelectorAll(".mark")].map((mark) => mark.textContent);
              return [marks, piece.textContent];
            }""",
            [text, before],
        )
        assert marks[0] == re.findall('<span class="mark"[^>]*>(.*?)</span>', show(before + text))
        assert hidden_characters(before + marks[1]) == {}


def test_it_runs_hidden_characters_only_after_a_tick(live: Desk) -> None:
    live.model.will_call({"name": "write_file", "arguments": {"path": "pay.txt", "content": TURNED}})
    run_id = live.waiting("Pay.")
    page = live.page(f"/runs/{run_id}/", who="rene")
    card = page.locator(".call").filter(has_text="pay.txt")
    expect(card).to_contain_text("hidden character")
    expect(card.locator(".mark").filter(has_text="U+202E").first).to_be_visible()
    card.get_by_role("button", name="Approve", exact=True).click()
    tick = card.get_by_label("I have seen").first
    expect(tick).to_be_focused()
    assert live.run(run_id)["state"] == "waiting_for_approval"
    tick.check()
    card.get_by_role("button", name="Approve", exact=True).click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "pay.txt").decode() == TURNED


def test_it_shows_all_of_very_long_arguments_on_the_card(live: Desk) -> None:
    content = "".join(f"line {number:05} {'x' * 40}\n" for number in range(4_000))
    assert len(content) > 200_000
    live.model.will_call({"name": "write_file", "arguments": {"path": "long.txt", "content": content}})
    run_id = live.waiting("Write much.")
    page = live.page(f"/runs/{run_id}/", who="rene")
    card = page.locator(".call").filter(has_text="long.txt")
    expect(card.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    card.get_by_role("link", name="Review it").click()
    block = page.locator("dd.block").filter(has_text="line 00000")
    assert block.inner_text().strip() == content.strip()
    fits(page)
    read_through(page)
    page.get_by_role("button", name="Approve", exact=True).click()
    live.wait(run_id, "completed")
    assert live.file(run_id, "long.txt").decode() == content


def test_it_shows_a_reviewers_markup_as_text(live: Desk) -> None:
    live.model.will_call({"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}})
    run_id = live.waiting("Write.")
    page = live.page(f"/runs/{run_id}/", who="rene")
    page.get_by_label("Why not? The model reads this.").fill(EVERYTHING)
    page.get_by_role("button", name="Reject").click()
    live.wait(run_id, "completed")
    assert MARKUP in live.model.told()[0]
    for path in (f"/runs/{run_id}/", f"/runs/{run_id}/events/"):
        page.goto(path)
        unfold(page)
        expect(page.locator("main")).to_contain_text("<script>alert('s')</script>")
        is_harmless(page)
