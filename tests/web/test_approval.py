"""The card and its decisions, without any script."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime import access, actions
from runtime.models import Approval, DecisionRecord, ThreadMessage
from tests.web.conftest import Advance, Ask, Page, text_of

pytestmark = pytest.mark.django_db


def at(approval: Approval) -> str:
    return f"/approvals/{approval.pk}/"


def decide(browser: Page, approval: Approval, decision: str, **typed: str) -> Any:
    """Sends the card's form for this decision as it stands on the page."""
    return browser.send(at(approval), f"{at(approval)}decide/", decision=decision, **typed)


def test_it_shows_everything_that_will_run(reviewer: User, ask: Ask) -> None:
    approval = ask(path="notes.txt", content="<b>one</b>\n" + "x" * 9000 + "END")
    html = text_of(Page(reviewer).get(at(approval)))
    for part in (
        "notes.txt",
        "&lt;b&gt;one&lt;/b&gt;",
        "x" * 9000 + "END",
        approval.digest,
        "no rule matched",
        "I will.",
    ):
        assert part in html
    assert "<b>one" not in html


def test_it_shows_a_change_as_a_diff(reviewer: User, ask: Ask) -> None:
    first = ask()
    folder = first.thread.folder / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notes.txt").write_text("one\nold\n")
    html = text_of(Page(reviewer).get(at(first)))
    assert '<div class="line cut"><span>2</span><span>−</span><span>old</span></div>' in html
    assert '<div class="line add"><span>2</span><span>+</span><span>two</span></div>' in html


def test_it_approves_and_the_run_goes_on(reviewer: User, ask: Ask, advance: Advance) -> None:
    approval = ask()
    answer = decide(Page(reviewer), approval, "approve")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/approvals/")
    approval.refresh_from_db()
    assert approval.status == "approved"
    record = DecisionRecord.objects.get()
    assert (record.decided_by, record.source, record.address) == ("rene", "page", "127.0.0.1")
    assert advance(approval.run).state == "completed"
    assert (approval.thread.folder / "files" / "notes.txt").read_text() == "one\ntwo\n"


def test_it_opens_the_next_card_and_says_what_was_done(reviewer: User, ask: Ask) -> None:
    first, second = ask(), ask(path="b.txt", content="b")
    browser = Page(reviewer)
    answer = decide(browser, first, "approve")
    assert answer.headers["Location"] == at(second)
    assert "Approved: Write 2 lines" in text_of(browser.get(at(second)))
    assert "What the model had asked for" not in text_of(browser.get(at(first)))


def test_skipping_goes_through_the_whole_queue_and_begins_again(reviewer: User, ask: Ask) -> None:
    queue = [ask(path=f"{name}.txt", content=name) for name in "abc"]
    browser, seen, path = Page(reviewer), [], at(queue[1])
    for _ in range(3):
        skip = re.search(r'href="(/approvals/[^/"]+/)">Skip', text_of(browser.get(path)))
        assert skip
        path = skip[1]
        seen.append(path)
    assert seen == [at(queue[2]), at(queue[0]), at(queue[1])]


def test_a_decision_does_not_bring_back_what_was_skipped(reviewer: User, ask: Ask) -> None:
    skipped, decided, following = (ask(path=f"{name}.txt", content=name) for name in "abc")
    assert decide(Page(reviewer), decided, "approve").headers["Location"] == at(following)
    assert decide(Page(reviewer), following, "approve").headers["Location"] == at(skipped)


def test_it_keeps_an_edit_that_a_broken_workspace_cannot_check(
    reviewer: User, ask: Ask, break_workspace: Callable[[], None]
) -> None:
    approval = ask()
    break_workspace()
    answer = decide(Page(reviewer), approval, "edit", **{"arg.path": "typed.txt"})
    assert answer.status_code == 503
    assert "The workspace cannot be loaded: workspace.yaml" in text_of(answer)
    assert "typed.txt" in text_of(answer)
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_it_goes_back_to_the_run_it_was_decided_on(reviewer: User, ask: Ask) -> None:
    approval = ask()
    browser = Page(reviewer)
    answer = browser.send(f"/runs/{approval.run_id}/", f"{at(approval)}decide/", decision="approve")
    assert answer.headers["Location"] == f"/runs/{approval.run_id}/#c-{approval.tool_call_id}"


def test_it_gives_the_reason_to_the_model_word_for_word(reviewer: User, ask: Ask, advance: Advance) -> None:
    approval = ask()
    reason = "No: “not” <this> file.\nUse b.txt & ask"
    assert decide(Page(reviewer), approval, "reject", reason=reason).status_code == 302
    advance(approval.run)
    told = ThreadMessage.objects.filter(run=approval.run, role="tool").get()
    assert reason in told.text


def test_it_needs_a_reason_and_keeps_the_card(reviewer: User, ask: Ask) -> None:
    approval = ask()
    answer = decide(Page(reviewer), approval, "reject", reason="  ")
    assert answer.status_code == 422
    assert 'role="alert"' in text_of(answer)
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_it_answers_instead(reviewer: User, ask: Ask, advance: Advance) -> None:
    approval = ask()
    assert decide(Page(reviewer), approval, "respond", content="It is done already.").status_code == 302
    advance(approval.run)
    assert ThreadMessage.objects.get(run=approval.run, role="tool").text == "It is done already."
    assert not (approval.thread.folder / "files" / "notes.txt").exists()


def test_it_runs_the_edit(reviewer: User, ask: Ask, advance: Advance) -> None:
    approval = ask()
    answer = decide(Page(reviewer), approval, "edit", **{"arg.path": "other.txt"})
    assert answer.status_code == 302
    advance(approval.run)
    # Only the path was touched: the content keeps its line ends, though the browser sent others.
    assert (approval.thread.folder / "files" / "other.txt").read_bytes() == b"one\ntwo\n"
    record = DecisionRecord.objects.get()
    assert record.arguments_before["path"] == "notes.txt"
    assert record.arguments_after["path"] == "other.txt"
    html = text_of(Page(reviewer).get(at(approval)))
    assert "What the model had asked for" in html


def test_an_edit_that_changes_nothing_is_none(reviewer: User, ask: Ask) -> None:
    approval = ask()
    answer = decide(Page(reviewer), approval, "edit")
    assert answer.status_code == 422
    assert "Nothing was changed" in text_of(answer)
    assert not DecisionRecord.objects.exists()


def test_it_refuses_an_edit_that_breaks_the_schema_in_place(reviewer: User, ask: Ask) -> None:
    approval = ask("edit_file", path="a.txt", old="x", new="y", replace_all=True)
    answer = decide(Page(reviewer), approval, "edit", **{"arg.path": "typed <here>.txt", "arg.old": ""})
    html = text_of(answer)
    assert answer.status_code == 422
    assert "typed &lt;here&gt;.txt" in html
    assert 'role="alert"' in html
    approval.refresh_from_db()
    assert approval.status == "pending"


def test_it_asks_for_a_tick_when_something_is_hidden(reviewer: User, ask: Ask) -> None:
    approval = ask(path="a.txt", content="pay \u202eboss\u200b")
    browser = Page(reviewer)
    html = text_of(browser.get(at(approval)))
    assert "2 hidden characters" in html
    assert ">U+202E</span>" in html
    refused = decide(browser, approval, "approve")
    assert refused.status_code == 422
    assert "Tick that you have seen" in text_of(refused)
    assert decide(browser, approval, "edit").status_code == 422
    assert decide(browser, approval, "approve", seen="yes").status_code == 302


def test_it_needs_no_tick_for_an_edit_that_takes_them_out(reviewer: User, ask: Ask) -> None:
    approval = ask(path="a.txt", content="pay \u202eboss")
    assert decide(Page(reviewer), approval, "edit", **{"arg.content": "pay boss"}).status_code == 302


def test_it_tells_the_loser_of_a_race_who_won(reviewer: User, administrator: User, ask: Ask) -> None:
    approval = ask()
    browser = Page(reviewer)
    stale = text_of(browser.get(at(approval)))
    assert "Approve" in stale
    winner = access.person(administrator, "api", "")
    actions.decide_approval(winner, approval.pk, "reject", approval.digest, reason="mine")
    token = browser.client.cookies["csrftoken"].value
    came_from = f"/runs/{approval.run_id}/"
    fields = {
        "decision": "approve",
        "digest": approval.digest,
        "csrfmiddlewaretoken": token,
        "next": came_from,
    }
    answer = browser.post(f"{at(approval)}decide/", fields)
    assert answer.status_code == 409
    html = text_of(answer)
    assert "anna was first" in html
    assert "“reject”" in html
    assert f'href="{came_from}">Back to where you were</a>' in html
    assert 'href="/approvals/">To the approvals</a>' in html
    other = ask(path="b.txt", content="b")
    html = text_of(browser.post(f"{at(approval)}decide/", fields))
    assert f'href="{at(other)}">Next card' in html
    assert DecisionRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"decision": "approve"}, 422),
        ({"decision": "approve", "digest": "0" * 64}, 409),
        ({"decision": "", "digest": "own"}, 422),
        ({"decision": "delete", "digest": "own"}, 422),
        ({"digest": "own"}, 422),
        ({"decision": "respond", "digest": "own"}, 422),
        ({"decision": "reject", "digest": "own", "reason": "a\x00b"}, 422),
        ({"decision": "edit", "digest": "own", "arg.content": "\x00"}, 422),
    ],
)
def test_it_refuses_what_is_no_decision(
    reviewer: User, ask: Ask, fields: dict[str, str], status: int
) -> None:
    approval = ask()
    browser = Page(reviewer)
    browser.get(at(approval))
    token = browser.client.cookies["csrftoken"].value
    own = {name: approval.digest if value == "own" else value for name, value in fields.items()}
    answer = browser.post(f"{at(approval)}decide/", {**own, "csrfmiddlewaretoken": token})
    assert answer.status_code == status
    approval.refresh_from_db()
    assert approval.status == "pending"
    assert not DecisionRecord.objects.exists()


def test_it_gives_no_form_to_who_may_only_look(viewer: User, ask: Ask) -> None:
    approval = ask()
    html = text_of(Page(viewer).get(at(approval)))
    assert f"{at(approval)}decide/" not in html
    assert "A reviewer decides." in html


def test_it_lists_what_waits_oldest_first_and_what_was_decided(reviewer: User, ask: Ask) -> None:
    first, second = ask(), ask(path="b.txt", content="b")
    browser = Page(reviewer)
    html = text_of(browser.get("/approvals/"))
    assert html.index(f"a-{first.pk}") < html.index(f"a-{second.pk}")
    decide(browser, first, "approve")
    assert f"a-{first.pk}" not in text_of(browser.get("/approvals/"))
    assert f"a-{first.pk}" in text_of(browser.get("/approvals/?status=approved"))
    assert f"a-{second.pk}" not in text_of(browser.get("/approvals/?status=all&tool=edit_file"))
    for query, clears, wrong in (("", 0, 0), ("?status=approved", 1, 0), ("?status=nonsense", 1, 1)):
        html = text_of(browser.get(f"/approvals/{query}"))
        assert html.count("Clear</a>") == clears
        assert html.count("There is no such status; there are pending, ") == wrong
    assert ">1</span>" in text_of(browser.get("/approvals/count/"))


def test_it_preselects_nothing(reviewer: User, ask: Ask) -> None:
    html = text_of(Page(reviewer).get(at(ask())))
    assert "autofocus" not in html
    assert "checked" not in html
