"""Every page in every state that it can be brought to: for the checks that all of them have to pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.entrances import (
    board_of_a_viewer,
    forbidden,
    form_too_old,
    link_gone,
    link_page,
    not_found,
    nothing_for_an_outsider,
    sign_in_page,
    sign_in_refused,
    too_much,
    with_role,
)
from tests.browser.said import HIDDEN, LONG_LINE, LONG_REQUEST, MAIL, PLAN, PROSE, READ, SECRET, WRITE
from tests.openai_server import Answer

State = Callable[[Desk, Page], None]


def maintenance(desk: Desk, page: Page) -> None:
    thread = desk.run(done(desk))["thread_id"]
    desk.product.command("maintain", "checkpoints", "--dry-run")
    page.goto(f"/threads/{thread}/")
    page.get_by_text("Hold this thread").click()
    page.get_by_label("Why", exact=True).fill(f"A lawsuit. {LONG_LINE}")
    page.get_by_role("button", name="Hold the thread").click()
    expect(page.get_by_role("button", name="Lift the hold")).to_be_visible()
    page.goto("/maintenance/")
    page.get_by_text("Run it now").last.click()
    page.get_by_role("button", name="Run the records maintenance").click()
    expect(page.locator(".pass").filter(has_text="Records").first).to_contain_text("anna")
    expect(page.get_by_text("held by an administrator").first).to_be_visible()


def menu(desk: Desk, page: Page) -> None:
    page.goto("/agents/")
    page.get_by_text("anna", exact=True).first.click()


def agents(desk: Desk, page: Page) -> None:
    page.goto("/agents/")


def health(desk: Desk, page: Page) -> None:
    desk.model.server.answer(Answer(text="This model does not exist.", status=404))
    desk.wait(desk.start("Fail."), "failed")
    page.goto("/health/")
    # It asks for itself again and again; what a sample counts is there soon.
    expect(page.locator("#faults li").filter(has_text="not_there")).to_be_visible()


def no_match(desk: Desk, page: Page) -> None:
    page.goto("/runs/?q=zzzz&state=failed&agent=direct")


def empty(path: str) -> State:
    """A page before anything happened."""

    def state(desk: Desk, page: Page) -> None:
        desk.clear()
        page.goto(path)
        expect(page.locator(".empty").first).to_be_visible()

    state.__name__ = f"empty_{path.strip('/') or 'board'}"
    return state


def waiting(desk: Desk, *calls: dict[str, Any]) -> str:
    desk.model.will_call(*calls, text=PROSE)
    return desk.waiting(f"Do what has to be done. {LONG_LINE}")


def run_waiting(desk: Desk, page: Page) -> None:
    page.goto(f"/runs/{waiting(desk, PLAN, WRITE, READ, HIDDEN)}/")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(3)


def run_streaming(desk: Desk, page: Page) -> None:
    steps = desk.model.will_say_slowly("Some words, and more of them to come.", 4)
    run_id = desk.start("Say something.")
    page.goto(f"/runs/{run_id}/")
    steps.let(5)
    expect(page.locator("[data-streaming]")).to_contain_text("Some words")


def done(desk: Desk) -> str:
    """A run in which each decision was made once."""
    run_id = waiting(desk, PLAN, WRITE, READ, HIDDEN)
    first, second, third = desk.pending(run_id)
    desk.model.will_call({"name": "save_artifact", "arguments": {"path": "report.md", "content": PROSE}})
    desk.model.will_say(PROSE)
    desk.decide(first, "edit", arguments={"path": "notes/b.txt", "content": "one\n"})
    desk.decide(second, "respond", content="You know what is in it.")
    desk.decide(third, "reject", reason="Never pay like this.\nNot even once.")
    desk.wait(run_id, "completed")
    return run_id


def run_completed(desk: Desk, page: Page) -> None:
    page.goto(f"/runs/{done(desk)}/")


def run_failed(desk: Desk, page: Page) -> None:
    desk.model.server.answer(Answer(text="This model does not exist.", status=404))
    run_id = desk.start(LONG_REQUEST)
    desk.wait(run_id, "failed")
    page.goto(f"/runs/{run_id}/")


def run_cancelled(desk: Desk, page: Page) -> None:
    run_id = waiting(desk, WRITE)
    desk.api.post(f"runs/{run_id}/cancel", json={"reason": "enough"}).raise_for_status()
    page.goto(f"/runs/{run_id}/")


def run_in_doubt(desk: Desk, page: Page) -> None:
    page.goto(f"/runs/{desk.in_doubt()}/")
    expect(page.get_by_role("button", name="It happened")).to_be_visible()


def events(desk: Desk, page: Page) -> None:
    page.goto(f"/runs/{done(desk)}/events/")


def call(desk: Desk, page: Page) -> None:
    run_id = done(desk)
    approval = desk.api.get("approvals", params={"status": "edited", "run": run_id}).json()["items"][0]
    page.goto(f"/runs/{run_id}/calls/{approval['tool_call_id']}/")


def waterfall(desk: Desk, page: Page) -> None:
    page.goto(f"/runs/{done(desk)}/waterfall/")
    expect(page.locator(".step-bar").first).to_be_visible()


def doubts(desk: Desk, page: Page) -> None:
    desk.in_doubt()
    page.goto("/doubts/")
    expect(page.get_by_role("button", name="It happened").first).to_be_visible()


def many_cancel(desk: Desk, page: Page) -> None:
    waiting(desk, WRITE)
    page.goto("/runs/cancel/")
    expect(page.get_by_label("Why (optional")).to_be_visible()


def thread(desk: Desk, page: Page) -> None:
    run_id = done(desk)
    thread_id = desk.run(run_id)["thread_id"]
    desk.model.will_call(WRITE)
    desk.waiting("And once more.", thread_id=thread_id)
    desk.start(LONG_REQUEST, thread_id=thread_id)
    page.goto(f"/threads/{thread_id}/")


def thread_remove(desk: Desk, page: Page) -> None:
    page.goto(f"/threads/{desk.run(done(desk))['thread_id']}/remove/")


def approval_pending(desk: Desk, page: Page) -> None:
    approval = desk.pending(waiting(desk, HIDDEN, WRITE))[0]
    page.goto(f"/approvals/{approval['approval_id']}/")


def approval_irreversible(desk: Desk, page: Page) -> None:
    page.goto(f"/approvals/{desk.pending(waiting(desk, MAIL))[0]['approval_id']}/")
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    expect(page.locator("[data-rest]")).to_contain_text("Scroll through all of it first")


def approval_confirmed(desk: Desk, page: Page) -> None:
    approval_irreversible(desk, page)
    page.get_by_role("checkbox").first.check()
    page.locator("form[data-act='approve']").evaluate(
        "(form) => { form.append(Object.assign(document.createElement('input'),"
        " { type: 'hidden', name: 'decision', value: 'approve' })); form.submit(); }"
    )
    expect(page.get_by_role("heading", name="Read all of it, then approve")).to_be_visible()


def approval_masked(desk: Desk, page: Page) -> None:
    approval = desk.pending(waiting(desk, SECRET))[0]
    page.goto(f"/approvals/{approval['approval_id']}/")
    expect(page.locator(".masked").first).to_be_visible()


def approval_revealed(desk: Desk, page: Page) -> None:
    approval_masked(desk, page)
    page.get_by_role("button", name="Show what is masked").click()
    expect(page.get_by_text("It is recorded that you looked.")).to_be_visible()


def approval_of_a_viewer(desk: Desk, page: Page) -> None:
    with_role(desk, page, "vera")
    approval_pending(desk, page)


def approval_decided(desk: Desk, page: Page) -> None:
    approval = desk.pending(waiting(desk, WRITE))[0]
    desk.decide(approval, "reject", reason="Not now.")
    page.goto(f"/approvals/{approval['approval_id']}/")


def approval_refused(desk: Desk, page: Page) -> None:
    approval = desk.pending(waiting(desk, READ))[0]
    page.goto(f"/approvals/{approval['approval_id']}/")
    page.get_by_text("Edit, then approve").click()
    page.get_by_label("limit").fill("two")
    desk.watch.expects(422)
    page.get_by_role("button", name="Approve the edit").click()
    expect(page.get_by_role("alert")).to_be_visible()


def lists(path: str) -> State:
    """A list with something in it."""

    def state(desk: Desk, page: Page) -> None:
        done(desk)
        waiting(desk, WRITE)
        page.goto(path)
        expect(page.locator("main li").first).to_be_visible()

    state.__name__ = f"full_{path.strip('/').replace('/?', '_').replace('=', '_') or 'board'}"
    return state


OPEN_STATES = [sign_in_page, sign_in_refused, link_page, link_gone, not_found, nothing_for_an_outsider]

OPEN_STATES += [forbidden, form_too_old, too_much, board_of_a_viewer, menu, agents, health, no_match]

EMPTY_STATES = [empty(path) for path in ("/", "/runs/", "/approvals/", "/threads/", "/doubts/")]

RUN_STATES = [run_waiting, run_streaming, run_completed, run_failed, run_cancelled, run_in_doubt]

RUN_STATES += [events, call, thread, thread_remove, waterfall, doubts, many_cancel, maintenance]

APPROVAL_STATES = [approval_pending, approval_of_a_viewer, approval_decided, approval_refused]

APPROVAL_STATES += [approval_irreversible, approval_confirmed]


APPROVAL_STATES += [approval_masked, approval_revealed]

LIST_STATES = [lists(path) for path in ("/", "/runs/", "/approvals/?status=all", "/threads/")]

STATES: list[State] = [*OPEN_STATES, *EMPTY_STATES, *RUN_STATES, *APPROVAL_STATES, *LIST_STATES]
