"""What is masked is shown on request, in that answer alone, and it is recorded who asked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection

from runtime.models import DecisionRecord, Denial, Reveal
from tests.web.conftest import Advance, Ask, Page, call, text_of
from tests.web.masking import KEY, MASK, REVEAL, TOKEN, Hold, at, hold, html_of, reveal, run_of

__all__ = ["hold"]

pytestmark = pytest.mark.django_db


def test_it_shows_the_card_and_records_who_looked(reviewer: User, hold: Hold) -> None:
    approval = hold(path=f"{KEY}.txt", content=f"{TOKEN}\n")
    before = datetime.now(UTC)
    answer = reveal(reviewer, approval)
    html = text_of(answer)
    assert answer.status_code == 200
    assert f"Write 1 line (35 bytes) to &#x27;{KEY}.txt&#x27;" in html
    assert f'<dd class="block">{TOKEN}\n</dd>' in html
    assert "2 values on this card look secret and are shown on this page alone." in html
    assert '<span class="masked">' not in html
    row = Reveal.objects.get()
    assert (row.approval_id, row.tool_call_id) == (approval.pk, approval.tool_call_id)
    assert (row.run_id, row.thread_id, row.tool_name) == (approval.run_id, approval.thread_id, "write_file")
    assert (row.revealed_by, row.source, row.address) == ("rene", "page", "127.0.0.1")
    assert before <= row.revealed_at <= before + timedelta(minutes=1)


def test_nobody_keeps_the_answer(reviewer: User, hold: Hold) -> None:
    answer = reveal(reviewer, hold(path=f"{KEY}.txt", content="x"))
    assert "no-store" in answer.headers["Cache-Control"]
    assert set(answer.cookies) <= {"csrftoken"}
    title = re.search("<title>.*</title>", text_of(answer), re.DOTALL)
    assert title
    assert KEY not in title[0], "a browser's history keeps it"


def test_the_next_look_is_masked_again(reviewer: User, hold: Hold) -> None:
    approval = hold()
    reveal(reviewer, approval)
    for query in ("", "?reveal=yes", "?revealed=1", "?masked=0"):
        assert KEY not in html_of(reviewer, at(approval) + query)
    assert Reveal.objects.count() == 1


@pytest.mark.parametrize("name", ["olga", "rene", "anna"])
def test_operators_and_reviewers_may(
    operator: User, reviewer: User, administrator: User, hold: Hold, name: str
) -> None:
    person = {user.username: user for user in (operator, reviewer, administrator)}[name]
    assert KEY in text_of(reveal(person, hold()))
    assert Reveal.objects.get().revealed_by == name


def test_a_viewer_may_not(viewer: User, hold: Hold) -> None:
    approval = hold()
    html = html_of(viewer, at(approval))
    assert REVEAL not in html
    assert "1 value on this card looks secret and is masked." in html
    assert "A reviewer or an operator can have them shown." in html
    browser = Page(viewer)
    browser.client.handler.enforce_csrf_checks = False
    answer = browser.post(f"{at(approval)}reveal/")
    assert answer.status_code == 403
    assert KEY not in text_of(answer)
    assert not Reveal.objects.exists()
    assert Denial.objects.get().reason == "needs the role operator or reviewer"


def test_it_shows_nothing_that_cannot_be_recorded(reviewer: User, hold: Hold) -> None:
    approval = hold()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE reveals RENAME TO elsewhere")
    browser = Page(reviewer)
    browser.client.raise_request_exception = False
    try:
        answer = browser.send(at(approval), f"{at(approval)}reveal/")
    except DatabaseError:
        return
    assert answer.status_code >= 500
    assert KEY not in text_of(answer)


def test_the_edit_form_is_whole_after_it(reviewer: User, hold: Hold, advance: Advance) -> None:
    approval = hold(path="a.txt", content=f"one\n{KEY}\n")
    browser = Page(reviewer)
    shown = browser.send(at(approval), f"{at(approval)}reveal/")
    assert f'name="arg.content" rows="4" spellcheck="false" data-send>\none\n{KEY}\n</textarea>' in text_of(
        shown
    )
    sent = {"decision": "edit", "digest": approval.digest, "arg.path": "a.txt"}
    token = browser.client.cookies["csrftoken"].value
    edited = {**sent, "arg.content": f"two\r\n{KEY}\r\n", "csrfmiddlewaretoken": token}
    assert browser.post(f"{at(approval)}decide/", edited).status_code == 302
    advance(approval.run)
    assert (approval.thread.folder / "files" / "a.txt").read_text() == f"two\n{KEY}\n"
    record = DecisionRecord.objects.get()
    assert record.arguments_before["content"] == f"one\n{KEY}\n"
    again = text_of(reveal(reviewer, approval))
    assert again.count(f"two\n{KEY}") == 1
    assert again.count(f"one\n{KEY}") == 1


def test_a_call_without_an_approval_has_its_own(reviewer: User, viewer: User, advance: Advance) -> None:
    run = advance(run_of(call("ls", path=KEY)))
    transcript = f"/runs/{run.pk}/"
    page = re.search(rf'action="({transcript}calls/[^/"]+/)reveal/"', html_of(reviewer, transcript))
    assert page
    answer = Page(reviewer).send(page[1], f"{page[1]}reveal/")
    assert f"List the folder &#x27;{KEY}&#x27;" in text_of(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    assert f'href="{page[1]}">Mask again' in text_of(answer)
    row = Reveal.objects.get()
    assert (row.approval_id, row.run_id, row.tool_name) == ("", run.pk, "ls")
    assert KEY not in html_of(viewer, page[1])
    assert MASK in html_of(viewer, page[1])


def test_it_goes_back_to_where_one_came_from(reviewer: User, hold: Hold) -> None:
    approval = hold()
    run = f"/runs/{approval.run_id}/"
    html = text_of(Page(reviewer).send(run, f"{at(approval)}reveal/"))
    assert f'href="{at(approval)}?next={run}">Mask again' in html


def test_a_call_of_another_run_is_not_there(reviewer: User, hold: Hold, ask: Ask) -> None:
    one, other = hold(), ask()
    browser = Page(reviewer)
    browser.client.handler.enforce_csrf_checks = False
    assert browser.post(f"/runs/{other.run_id}/calls/{one.tool_call_id}/reveal/").status_code == 404
    assert not Reveal.objects.exists()
