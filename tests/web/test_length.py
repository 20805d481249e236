"""A long call is approved through the page only by who had all of it on the screen: without a script, after a
page that shows everything."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime import access, actions
from runtime.models import Approval, DecisionRecord
from runtime.web import cards, length
from tests.web.conftest import Ask, Page, text_of
from tests.web.test_approval import at, decide

pytestmark = pytest.mark.django_db

LONG = "".join(f"line {number}\n" for number in range(100))


def confirmation(browser: Page, approval: Approval, **typed: str) -> str:
    """The page that a plain yes to a long call is answered with."""
    answer = decide(browser, approval, "approve", **typed)
    assert answer.status_code == 200
    approval.refresh_from_db()
    assert approval.status == "pending"
    return text_of(answer)


def form_of(html: str) -> dict[str, str]:
    """The hidden fields of the confirmation's form."""
    [form] = re.findall(r'<form method="post" action="/approvals/.*?</form>', html, re.DOTALL)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def test_it_shows_everything_and_asks_at_the_end(reviewer: User, ask: Ask) -> None:
    approval = ask(path="notes.txt", content=LONG)
    html = confirmation(Page(reviewer), approval)
    assert LONG in html
    assert "Nothing is approved yet" in html
    assert html.count('value="approve"') == 1
    assert html.index("line 99") < html.index('value="approve"')
    assert "<script" not in html[html.index("<main") : html.index("</main>")]


def test_it_approves_by_the_confirmations_button(reviewer: User, ask: Ask) -> None:
    approval = ask(path="notes.txt", content=LONG)
    browser = Page(reviewer)
    fields = form_of(confirmation(browser, approval, next=f"/runs/{approval.run_id}/"))
    assert fields["digest"] == approval.digest
    assert fields["all"] == "yes"
    answer = browser.post(f"{at(approval)}decide/", fields | {"decision": "approve"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/runs/{approval.run_id}/")
    approval.refresh_from_db()
    assert approval.status == "approved"


def test_it_needs_no_confirmation_when_the_script_saw_all_of_it(reviewer: User, ask: Ask) -> None:
    approval = ask(path="notes.txt", content=LONG)
    assert decide(Page(reviewer), approval, "approve", all="yes").status_code == 302


@pytest.mark.parametrize(
    ("decision", "typed"),
    [("reject", {"reason": "no"}), ("respond", {"content": "x"}), ("edit", {"arg.path": "b.txt"})],
)
def test_it_confirms_nothing_but_a_plain_yes(
    reviewer: User, ask: Ask, decision: str, typed: dict[str, str]
) -> None:
    assert decide(Page(reviewer), ask(content=LONG, path="a.txt"), decision, **typed).status_code == 302


def test_it_carries_a_tick_on(reviewer: User, ask: Ask) -> None:
    approval = ask(path="a.txt", content=LONG + "pay \u202eboss")
    browser = Page(reviewer)
    assert decide(browser, approval, "approve").status_code == 422
    fields = form_of(confirmation(browser, approval, seen="yes"))
    assert fields["seen"] == "yes"
    assert browser.post(f"{at(approval)}decide/", fields | {"decision": "approve"}).status_code == 302


def test_it_asks_nothing_about_what_is_refused_anyway(reviewer: User, administrator: User, ask: Ask) -> None:
    approval = ask(path="notes.txt", content=LONG)
    browser = Page(reviewer)
    assert decide(browser, approval, "approve", digest="0" * 64).status_code == 409
    browser.get(at(approval))
    token = browser.client.cookies["csrftoken"].value
    actions.decide_approval(
        access.person(administrator, "api", ""), approval.pk, "reject", approval.digest, reason="mine"
    )
    fields = {"decision": "approve", "digest": approval.digest, "csrfmiddlewaretoken": token}
    answer = browser.post(f"{at(approval)}decide/", fields)
    assert answer.status_code == 409
    assert "anna was first" in text_of(answer)


def test_it_leaves_the_api_alone(reviewer: User, ask: Ask) -> None:
    approval = ask(path="notes.txt", content=LONG)
    actions.decide_approval(access.person(reviewer, "api", ""), approval.pk, "approve", approval.digest)
    assert DecisionRecord.objects.get().decision == "approve"


@pytest.mark.parametrize(
    ("content", "long"),
    [
        ("x" * 2_900, False),
        ("x" * 3_001, True),
        ("\n" * 36, False),
        ("\n" * 40, True),
        ("\r" * 30 + "\u2028" * 30, False),
        ("\r\u2028" * 40, True),
        ("\u202ea" * 450, True),
        ("\"<&>'" * 500, False),
    ],
)
def test_it_measures_what_is_shown(ask: Ask, content: str, long: bool) -> None:
    approval = ask(path="a.txt", content=content)
    assert length.is_long(cards.make(approval.tool_call, approval)) is long


def test_it_measures_a_comparison_too(ask: Ask) -> None:
    approval: Any = ask("edit_file", path="a.txt", old="a", new="b", replace_all=True)
    assert not length.is_long(cards.make(approval.tool_call, approval))
    folder = approval.thread.folder / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.txt").write_text("a\n" * 60)
    assert length.is_long(cards.make(approval.tool_call, approval))


def test_it_measures_what_is_no_json(ask: Ask) -> None:
    approval = ask()
    approval.tool_call.arguments_json = None
    approval.tool_call.raw_arguments = "{" * 3_001
    assert length.is_long(cards.make(approval.tool_call, approval))
