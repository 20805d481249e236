"""What nothing takes back: said plainly, and approved only on purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import User

from runtime import catalogue, tools
from runtime.models import Approval
from tests.web.conftest import Ask, Page, text_of
from tests.web.test_approval import at, decide

pytestmark = pytest.mark.django_db

SAID = "This cannot be undone."
TICK = 'name="sure" value="yes" required>'


@pytest.fixture(autouse=True)
def writing_is_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the tools, `write_file` is one that nothing takes back."""
    changed = [replace(tool, irreversible=tool.name == "write_file") for tool in tools.BUILT_IN]
    monkeypatch.setattr(tools, "BUILT_IN", tuple(changed))


def test_it_knows_which_tools_are() -> None:
    assert catalogue.irreversible("write_file")
    assert not catalogue.irreversible("edit_file")
    assert not catalogue.irreversible("no_such_tool")


def test_it_says_so_and_asks_for_a_tick(reviewer: User, ask: Ask) -> None:
    approval = ask()
    browser = Page(reviewer)
    for path in (at(approval), f"/runs/{approval.run_id}/", f"/threads/{approval.thread_id}/"):
        html = text_of(browser.get(path))
        assert html.count(SAID) == 1
        assert html.count(TICK) == 2  # to approve, and to approve an edit
        assert "checked" not in html


def test_it_has_no_default_button(reviewer: User, ask: Ask) -> None:
    """Enter in a field takes the form's first button: here one that does nothing."""
    for path in (at(approval := ask()), f"/runs/{approval.run_id}/"):
        html = text_of(Page(reviewer).get(path))
        for decision in ("approve", "edit"):
            form = html[html.index(f'data-act="{decision}"') :]
            form = form[: form.index("</form>")]
            assert form.index('<button formmethod="dialog" formnovalidate hidden>') < form.index(
                f'value="{decision}"'
            )
            assert "button good" not in form


@pytest.mark.parametrize(("decision", "typed"), [("approve", {}), ("edit", {"arg.path": "b.txt"})])
def test_it_refuses_without_the_tick(reviewer: User, ask: Ask, decision: str, typed: dict[str, str]) -> None:
    approval = ask()
    browser = Page(reviewer)
    refused = decide(browser, approval, decision, **typed)
    assert refused.status_code == 422
    assert "This cannot be undone: tick that you know it first." in text_of(refused)
    approval.refresh_from_db()
    assert approval.status == "pending"
    assert decide(browser, approval, decision, sure="yes", **typed).status_code == 302


@pytest.mark.parametrize(
    ("decision", "typed"), [("reject", {"reason": "no"}), ("respond", {"content": "It is sent."})]
)
def test_it_needs_no_tick_for_what_does_not_run(
    reviewer: User, ask: Ask, decision: str, typed: dict[str, str]
) -> None:
    assert decide(Page(reviewer), ask(), decision, **typed).status_code == 302


def test_a_long_one_is_shown_whole_with_its_tick_carried_on(reviewer: User, ask: Ask) -> None:
    html = text_of(decide(Page(reviewer), ask(path="a.txt", content="x\n" * 99), "approve", sure="yes"))
    assert SAID in html
    assert '<input type="hidden" name="sure" value="yes">' in html
    assert "button good" not in html


def test_it_says_it_where_the_arguments_are_too_long_to_be_shown(reviewer: User, ask: Ask) -> None:
    approval = ask(path="a.txt", content="x" * 9_000)
    html = text_of(Page(reviewer).get(f"/runs/{approval.run_id}/"))
    assert "too long to be shown" in html
    assert SAID in html


def test_it_asks_for_no_tick_of_other_calls(reviewer: User, ask: Ask) -> None:
    approval: Approval = ask("edit_file", path="a.txt", old="a", new="b")
    html = text_of(Page(reviewer).get(at(approval)))
    assert SAID not in html
    assert TICK not in html
    assert 'formmethod="dialog"' not in html
    assert decide(Page(reviewer), approval, "approve").status_code == 302
