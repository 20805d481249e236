"""Text that streams: on the page while it comes, and in the end exactly what the model said."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk
from tests.openai_server import Answer

PIECE = 6  # characters of "w0001 "
# Counts, at every change of the page, how often the first word stands there at once.
COUNT_DOUBLES = """
window.mostAtOnce = 0;
new MutationObserver(() => {
  const text = document.getElementById("transcript")?.innerText ?? "";
  window.mostAtOnce = Math.max(window.mostAtOnce, text.split("w0000").length - 1);
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


def words(count: int) -> str:
    """Words that tell what is missing, doubled or out of order."""
    return " ".join(f"w{number:04}" for number in range(count))


def transcript(page: Page) -> Locator:
    return page.get_by_role("region", name="Transcript")


def reply(page: Page) -> Locator:
    """What the agent said last, streaming or whole."""
    return page.locator("#transcript .message.assistant").last.locator(".stream, .prose")


def shows(page: Page, text: str) -> None:
    """Waits until the reply is exactly this."""
    expect(reply(page)).to_have_text(re.compile(rf"^\s*{re.escape(text.strip())}\s*$"))


def has_ended(page: Page) -> None:
    expect(page.get_by_role("complementary").get_by_text("Completed")).to_be_visible()


def test_it_shows_the_first_words_while_the_model_still_speaks(live: Desk) -> None:
    whole = words(40)
    steps = live.model.will_say_slowly(whole, PIECE)
    page = live.page()
    page.add_init_script(COUNT_DOUBLES)
    run_id = live.start_on(page, "Say forty words.")
    for more, number in ((1, 1), (4, 5), (15, 20)):
        steps.let(more)
        shows(page, words(number))
    assert live.run(run_id)["state"] == "running"
    steps.let_all()
    has_ended(page)
    shows(page, whole)
    assert live.run(run_id)["output"] == whole
    assert page.evaluate("window.mostAtOnce") == 1
    page.reload()
    shows(page, whole)


def test_it_neither_doubles_nor_loses_a_word_of_a_fast_reply(live: Desk) -> None:
    whole = words(600)
    steps = live.model.will_say_slowly(whole, PIECE * 3)
    page = live.page()
    page.add_init_script(COUNT_DOUBLES)
    live.start_on(page, "Say six hundred words.")
    steps.let_all()
    expect(reply(page)).to_contain_text("w0000")
    while not page.get_by_role("complementary").get_by_text("Completed").is_visible():
        said = reply(page).inner_text().strip()
        assert whole.startswith(said), said[-200:]
    shows(page, whole)
    assert page.evaluate("window.mostAtOnce") == 1


def reload(page: Page, live: Desk) -> None:
    page.reload()


def hide_and_show(page: Page, live: Desk) -> None:
    """As when the reader looks at another tab for a while."""
    for hidden in ("true", "false"):
        page.evaluate(
            f"Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {hidden}}});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        page.wait_for_timeout(50)


def lose_the_server(page: Page, live: Desk) -> None:
    """The web server dies; its supervisor starts it again."""
    live.watch.expects("net::ERR_", "htmx:", "Failed to fetch")
    live.kill("serve")


@pytest.mark.parametrize("interrupt", [reload, hide_and_show, lose_the_server])
def test_it_goes_on_where_it_was_interrupted(live: Desk, interrupt: Callable[[Page, Desk], None]) -> None:
    whole = words(60)
    steps = live.model.will_say_slowly(whole, PIECE)
    page = live.page()
    page.add_init_script(COUNT_DOUBLES)
    live.start_on(page, "Say sixty words.")
    steps.let(20)
    shows(page, words(20))
    interrupt(page, live)
    steps.let(10)
    shows(page, words(30))
    interrupt(page, live)
    steps.let_all()
    has_ended(page)
    shows(page, whole)
    assert page.evaluate("window.mostAtOnce") == 1


def test_it_catches_up_on_a_run_that_ended_while_the_tab_was_hidden(live: Desk) -> None:
    whole = words(60)
    steps = live.model.will_say_slowly(whole, PIECE)
    page = live.page()
    run_id = live.start_on(page, "Say sixty words.")
    steps.let(10)
    shows(page, words(10))
    set_hidden = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s});"
    page.evaluate(set_hidden % "true" + "document.dispatchEvent(new Event('visibilitychange'))")
    steps.let_all()
    live.wait(run_id, "completed")
    page.evaluate(set_hidden % "false" + "document.dispatchEvent(new Event('visibilitychange'))")
    has_ended(page)
    shows(page, whole)


def test_it_keeps_two_runs_in_two_tabs_apart(live: Desk) -> None:
    window = live.window()
    pages = [window.new_page(), window.new_page()]
    texts = [words(30), words(30).replace("w", "v")]
    steps = []
    for page, text in zip(pages, texts, strict=True):
        steps.append(live.model.will_say_slowly(text, PIECE))
        live.start_on(page, f"Say {text[:1]}.")
        steps[-1].let(1)
        shows(page, text[:PIECE])
    for more, number in ((6, 7), (8, 15)):
        for page, text, step in zip(pages, texts, steps, strict=True):
            step.let(more)
            shows(page, text[: number * PIECE])
    for page, text, step in zip(pages, texts, steps, strict=True):
        step.let_all()
        has_ended(page)
        shows(page, text)


def test_it_shows_text_calls_and_results_of_several_turns_in_order(live: Desk) -> None:
    live.model.will_call({"name": "write_todos", "arguments": {"todos": []}}, text="First I plan.")
    live.model.will_call({"name": "ls", "arguments": {}}, text="Now I look.")
    steps = live.model.will_say_slowly("Nothing is here.", 4)
    page = live.page()
    live.start_on(page, "Look around.")
    steps.let(2)
    shows(page, "Nothing")
    steps.let_all()
    has_ended(page)
    expect(transcript(page)).to_have_text(
        re.compile(r"Look around\..*First I plan\..*Now I look\..*Nothing is here\.\s*$", re.DOTALL)
    )
    for text in ("First I plan.", "Now I look.", "Nothing is here."):
        expect(transcript(page).get_by_text(text)).to_have_count(1)


def test_it_shows_a_run_from_elsewhere_on_the_board_and_in_the_lists(live: Desk) -> None:
    window = live.window()
    pages = [window.new_page() for _ in range(3)]
    for page, path in zip(pages, ("/", "/runs/", "/threads/"), strict=True):
        page.goto(path)
    live.model.will_say("Hello.")
    live.wait(live.start("A run from elsewhere"), "completed")
    for page in pages:
        row = page.get_by_role("listitem").filter(has_text="A run from elsewhere")
        expect(row.first).to_contain_text("Completed")


def test_it_says_what_failed_and_keeps_what_was_said(live: Desk) -> None:
    live.model.server.answer(Answer(text="This breaks off", finish_reason="none"))
    page = live.page()
    live.start_on(page, "Say something that breaks off.")
    expect(page.get_by_text("The run failed.")).to_be_visible()
    expect(transcript(page)).to_contain_text("This breaks off")
