"""What a card says when it was settled otherwise, and edits that cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from runtime import access, actions
from runtime.models import Approval, DecisionRecord
from tests.web.conftest import Advance, Ask, Page, call, script, start, text_of

pytestmark = pytest.mark.django_db


def at(approval: Approval) -> str:
    return f"/approvals/{approval.pk}/"


def late(browser: Page, approval: Approval, settle: Any, **fields: str) -> Any:
    """Opens the card, lets somebody settle it, and then decides."""
    browser.get(at(approval))
    settle()
    token = browser.client.cookies["csrftoken"].value
    sent = {"digest": approval.digest, "csrfmiddlewaretoken": token, **fields}
    return browser.post(f"{at(approval)}decide/", sent)


def test_it_says_that_the_run_was_cancelled_and_by_whom(
    reviewer: User, administrator: User, ask: Ask
) -> None:
    approval = ask()
    anna = access.person(administrator, "page", "")
    browser = Page(reviewer)
    answer = late(
        browser,
        approval,
        lambda: actions.cancel_run(anna, approval.run_id),
        decision="reject",
        reason="Mine.",
    )
    html = text_of(answer)
    assert answer.status_code == 409
    assert "The run was cancelled by anna at <time " in html
    assert "Somebody" not in html
    assert "Mine." in html
    for page in (at(approval), f"/runs/{approval.run_id}/"):
        assert "Cancelled</span> by <strong>anna</strong>" in text_of(browser.get(page))


@pytest.mark.parametrize(
    "fields",
    [
        {"decision": "reject", "reason": "typed <here>"},
        {"decision": "respond", "content": "typed <here>"},
        {"decision": "edit", "arg.path": "typed <here>", "arg.content": "x"},
    ],
)
def test_it_gives_back_what_was_typed_too_late(
    reviewer: User, administrator: User, ask: Ask, fields: dict[str, str]
) -> None:
    approval = ask()
    anna = access.person(administrator, "page", "")
    answer = late(
        Page(reviewer),
        approval,
        lambda: actions.decide_approval(anna, approval.pk, "approve", approval.digest),
        **fields,
    )
    html = text_of(answer)
    assert answer.status_code == 409
    assert "anna was first. The decision was “approve”, at <time " in html
    assert "typed &lt;here&gt;" in html


def edit(reviewer: User, approval: Approval, **fields: str) -> Any:
    browser = Page(reviewer)
    given = {f"arg.{name}": value for name, value in fields.items()}
    return browser.send(at(approval), f"{at(approval)}decide/", decision="edit", **given)


@pytest.mark.parametrize(
    ("path", "said"),
    [("", "The argument &#x27;path&#x27; is too short"), ("notes/", "names a folder, not a file")],
)
def test_it_refuses_an_edit_that_must_fail(reviewer: User, ask: Ask, path: str, said: str) -> None:
    approval = ask()
    answer = edit(reviewer, approval, path=path)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not DecisionRecord.objects.exists()


def test_it_refuses_an_edit_of_a_file_that_is_not_there(reviewer: User, ask: Ask) -> None:
    approval = ask("edit_file", path="a.txt", old="x", new="y")
    answer = edit(reviewer, approval, path="b.txt")
    assert answer.status_code == 422
    assert "The edited call would fail: This file does not exist" in text_of(answer)


def test_it_takes_an_edit_that_a_call_before_it_may_make_right(reviewer: User, advance: Advance) -> None:
    calls = [call("write_file", path="b.txt", content="x"), call("edit_file", path="a.txt", old="x", new="y")]
    run = advance(start(script({"tool_calls": calls}, {"text": "Done."})))
    second = Approval.objects.get(run=run, tool_name="edit_file")
    assert edit(reviewer, second, path="b.txt").status_code == 302


def test_it_takes_an_edit_whose_difference_cannot_be_shown(reviewer: User, ask: Ask) -> None:
    approval = ask()
    folder = approval.thread.folder / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "picture").write_bytes(b"\xff\x00")
    assert edit(reviewer, approval, path="picture").status_code == 302


def test_it_asks_for_what_must_not_be_empty_alone(reviewer: User, ask: Ask) -> None:
    html = text_of(Page(reviewer).get(at(ask())))
    path, content = (html.split(f'name="arg.{name}"')[1].split(">")[0] for name in ("path", "content"))
    assert " required" in path
    assert " required" not in content  # an empty file is a file


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("nosuchtool", '{"a": 1}', "Call a tool that does not exist: nosuchtool"),
        ("write_file", "[1]", "Call write_file with arguments that are not an object"),
        ("write_file", "{", "Call write_file with arguments that are not JSON"),
    ],
)
def test_it_says_what_is_wrong_with_a_call_that_nobody_can_run(
    reviewer: User, advance: Advance, name: str, raw: str, said: str
) -> None:
    run = advance(start(script({"tool_calls": [{"name": name, "arguments": raw}]}, {"text": "Done."})))
    made = run.tool_calls.get()
    html = text_of(Page(reviewer).get(f"/runs/{run.pk}/"))
    assert said in html, made.raw_arguments
    assert ("not JSON</span>" in html) is (raw == "{")
