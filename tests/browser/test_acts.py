"""Starting, sending the next message and cancelling, on the pages."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.openai_server import Answer

PANEL = "#panel"


def test_it_cancels_a_run_while_it_streams(live: Desk) -> None:
    steps = live.model.will_say_slowly("one two six six six", 4)
    page = live.page(who="olga")
    run_id = live.start_on(page, "Count.")
    steps.let(2)
    expect(page.locator("[data-streaming]")).to_have_text("one two ")
    live.model.server.dropped.clear()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator(PANEL).get_by_text("Cancelled", exact=True)).to_be_visible()
    expect(page.get_by_text("The run was cancelled.")).to_be_visible()
    assert live.model.server.dropped.wait(20)  # the model's connection is closed, not read to its end
    steps.let_all()
    page.reload()
    expect(page.locator("#transcript")).to_contain_text("one two")
    expect(page.locator("#transcript")).not_to_contain_text("six")
    expect(page.get_by_role("button", name="Cancel the run")).to_have_count(0)
    assert live.run(run_id)["state"] == "cancelled"


def test_it_cancels_a_run_that_waits_and_its_approval_with_it(live: Desk) -> None:
    live.model.will_call({"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}})
    run_id = live.waiting("Write.")
    window = live.window()
    page, other = window.new_page(), window.new_page()
    page.goto(f"/runs/{run_id}/")
    other.goto(f"/runs/{run_id}/")
    other.get_by_role("button", name="Cancel the run").click()
    for one in (page, other):
        expect(one.get_by_text("The run was cancelled.")).to_be_visible()
        expect(one.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    assert live.pending(run_id) == []


def send(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Next message").fill(text)
    page.get_by_role("button", name="Send").click()


def test_it_goes_on_with_a_thread_and_streams_there(live: Desk) -> None:
    live.model.will_say("First answer.")
    run_id = live.start("First question.")
    thread = live.wait(run_id, "completed")["thread_id"]
    page = live.page(f"/threads/{thread}/", who="olga")
    steps = live.model.will_say_slowly("a1 a2 a3 a4 a5 a6", 3)
    send(page, "Second\nquestion.")
    steps.let(2)
    expect(page.locator("[data-streaming]")).to_have_text("a1 a2 ")
    live.model.will_say("Third answer.")
    page.get_by_role("textbox", name="Next message").fill("Third question.")
    steps.let(2)
    expect(page.locator("[data-streaming]")).to_have_text("a1 a2 a3 a4 ")
    expect(page.get_by_role("textbox", name="Next message")).to_have_value("Third question.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Waits for its turn.")).to_be_visible()
    steps.let_all()
    expect(page.get_by_text("Third answer.")).to_be_visible()
    expect(page.locator("#transcript")).to_have_text(
        re.compile(
            r"First question.*First answer.*Second\s+question.*a5 a6\s.*Third question.*Third answer", re.S
        )
    )
    expect(page.get_by_text("a1 a2")).to_have_count(1)
    said = [message["content"] for message in live.model.messages() if message["role"] == "user"]
    assert said == ["First question.", "Second\nquestion.", "Third question."]


def test_it_decides_inside_a_thread(live: Desk) -> None:
    live.model.will_call({"name": "write_file", "arguments": {"path": "a.txt", "content": "one"}})
    run_id = live.waiting("Write.")
    page = live.page(f"/threads/{live.run(run_id)['thread_id']}/")
    page.get_by_role("button", name="Approve", exact=True).click()
    live.wait(run_id, "completed")
    expect(page.locator(".talk-foot")).to_contain_text("Completed")
    assert page.url.partition("#")[0].endswith(f"/threads/{live.run(run_id)['thread_id']}/")


def test_it_shows_plan_call_result_and_answer_to_a_newcomer(desk: Desk) -> None:
    page = desk.page()
    page.goto("/")
    page.get_by_role("link", name="Plan: list files").click()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/runs/*/")
    expect(page.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator(PANEL).get_by_text("Completed")).to_be_visible()
    expect(page.locator("#transcript")).to_contain_text("bees")


def test_it_keeps_an_artifact_to_be_downloaded(live: Desk) -> None:
    content = "<script>alert('s')</script>"
    live.model.will_call({"name": "save_artifact", "arguments": {"path": "page.html", "content": content}})
    live.model.will_say("Kept.")
    run_id = live.start("Keep a page.")
    live.wait(run_id, "completed")
    page = live.page(f"/runs/{run_id}/", who="vera")
    with page.expect_download() as download:
        page.get_by_role("link", name="page.html").click()
    assert download.value.suggested_filename == "page.html"
    assert download.value.path().read_text() == content


def test_it_runs_it_again_as_a_new_run(live: Desk) -> None:
    live.model.server.answer(Answer(text="Not now.", status=400))
    run_id = live.start("Try this.")
    live.wait(run_id, "failed")
    page = live.page(f"/runs/{run_id}/", who="olga")
    live.model.will_say("This time.")
    page.get_by_role("button", name="Run it again").click()
    expect(page.locator("#transcript .prose").get_by_text("This time.")).to_be_visible()
    assert page.url.rstrip("/").rpartition("/")[2] != run_id


def test_it_deletes_a_thread_in_two_acts(live: Desk) -> None:
    live.model.will_say("Forget this.")
    thread = live.wait(live.start("Remember this."), "completed")["thread_id"]
    page = live.page(f"/threads/{thread}/", who="olga")
    steps = live.model.will_say_slowly("Not yet.", 4)
    live.start("One more thing.", thread_id=thread)
    page.get_by_role("link", name="Delete this thread").click()
    page.get_by_role("button", name="Delete the thread").click()
    refused = page.get_by_role("status").filter(has_text="A run of the thread is")
    expect(refused).to_be_visible()
    page.get_by_role("button", name="Put this message away").click()
    expect(page.locator(".toast:visible")).to_have_count(0)
    steps.let_all()
    expect(page.locator("#transcript")).to_contain_text("Not yet.")
    expect(page.locator(".talk-foot").last).to_contain_text("Completed")
    live.watch.expects(404)  # the page may hear of the deletion and ask for its talk before it is left
    page.get_by_role("link", name="Delete this thread").click()
    page.get_by_role("button", name="Delete the thread").click()
    page.wait_for_url("**/threads/")
    expect(page.get_by_role("status").filter(has_text="deleted")).to_be_visible()
    page.goto(f"/threads/{thread}/")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
