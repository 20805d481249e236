"""What looks secret in a call's arguments is masked wherever a page shows them."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User

from runtime import access, actions, journal
from runtime.lifecycle import Decision
from runtime.models import ToolCall
from runtime.web import cards
from tests.web.conftest import Advance, Ask, Page, call, text_of
from tests.web.masking import BODY, KEY, MASK, PEM, REVEAL, TOKEN, Hold, at, hold, html_of, pages, run_of

__all__ = ["hold"]

pytestmark = pytest.mark.django_db

PATHS = {"path": f"{KEY}.txt", "content": "x"}


def as_person(user: User) -> access.Actor:
    return access.person(user, "page", "192.0.2.7")


def test_it_masks_a_value_and_says_how_many(reviewer: User, hold: Hold) -> None:
    html = html_of(reviewer, at(hold(path="a.txt", content=f"{KEY} and {TOKEN}, {KEY}")))
    assert html.count(f"</svg>{MASK}</span>") == 2
    assert '<span class="masked">' in html
    assert "2 values on this card look secret and are masked." in html
    assert KEY not in html
    assert TOKEN not in html


@pytest.mark.parametrize("arguments", [PATHS, {"path": "a.txt", "content": f"{KEY}\n"}])
def test_no_page_shows_it_while_it_waits(reviewer: User, hold: Hold, arguments: dict[str, str]) -> None:
    approval = hold(**arguments)
    for path in pages(approval):
        assert KEY not in html_of(reviewer, path), path


def test_a_sentence_has_the_mask_in_words(reviewer: User, hold: Hold) -> None:
    approval = hold(**PATHS)
    for path in (at(approval), "/approvals/", "/", f"/runs/{approval.run_id}/"):
        assert f"Write 1 line (1 byte) to &#x27;{MASK}.txt&#x27;" in html_of(reviewer, path), path
    title = re.search("<title>.*</title>", html_of(reviewer, at(approval)), re.DOTALL)
    assert title
    assert f"{MASK}.txt" in title[0]


def test_a_sentence_cuts_no_secret_in_two(reviewer: User, hold: Hold) -> None:
    html = html_of(reviewer, at(hold(path="x" * 190 + "/" + TOKEN, content="x")))
    assert TOKEN[:8] not in html


@pytest.mark.parametrize("decision", ["approve", "edit", "reject", "respond"])
def test_no_page_shows_it_after_a_decision(
    reviewer: User, hold: Hold, advance: Advance, decision: str
) -> None:
    approval = hold(path=f"{KEY}.txt", content=f"{TOKEN}\n")
    typed = {
        "edit": {"arg.content": f"{TOKEN}{TOKEN}\n"},
        "reject": {"reason": "No."},
        "respond": {"content": f"It is {KEY}."},
    }.get(decision, {})
    browser = Page(reviewer)
    answer = browser.send(at(approval), f"{at(approval)}decide/", decision=decision, **typed)
    assert answer.status_code == 302
    said = text_of(browser.get(answer.headers["Location"]))
    assert "[looks secret: 20 characters].txt" in said
    assert KEY not in said
    assert advance(approval.run).state == "completed"
    for path in pages(approval):
        html = html_of(reviewer, path)
        assert KEY not in html, path
        assert TOKEN not in html, path


def test_an_untouched_masked_value_runs_as_it_was(reviewer: User, hold: Hold, advance: Advance) -> None:
    approval = hold(path="a.txt", content=f"{KEY}\n")
    sent = {"decision": "edit", "arg.path": "b.txt"}
    assert Page(reviewer).send(at(approval), f"{at(approval)}decide/", **sent).status_code == 302
    advance(approval.run)
    assert (approval.thread.folder / "files" / "b.txt").read_text() == f"{KEY}\n"
    html = html_of(reviewer, at(approval))
    assert "What the model had asked for" in html
    assert "1 value on this card looks secret and is masked." in html


def test_the_edit_form_has_no_field_for_what_is_masked(reviewer: User, hold: Hold) -> None:
    html = html_of(reviewer, at(hold()))
    assert 'name="arg.path"' in html
    assert 'name="arg.content"' not in html
    assert "This looks secret: show what is masked to edit it." in html


def test_it_gives_back_what_was_typed_and_no_more(reviewer: User, hold: Hold) -> None:
    approval = hold(path="a.txt", content=f"{KEY}\n")
    answer = Page(reviewer).send(at(approval), f"{at(approval)}decide/", decision="edit", **{"arg.path": ""})
    assert answer.status_code == 422
    assert 'name="arg.path"' in text_of(answer)
    assert 'name="arg.content"' not in text_of(answer)
    assert KEY not in text_of(answer)
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_refusal_that_quotes_a_value_is_masked(reviewer: User, hold: Hold) -> None:
    approval = hold(path=f"/{KEY}", content="x")
    answer = Page(reviewer).send(at(approval), f"{at(approval)}decide/", decision="edit")
    assert answer.status_code == 422
    assert "is absolute" in text_of(answer)
    assert KEY not in text_of(answer)


def test_it_masks_in_json_and_in_names(reviewer: User, advance: Advance) -> None:
    todos = [{"content": f"line\n{KEY}", "status": "pending"}]
    run = advance(run_of(call("write_todos", todos=todos), agent="orchestra"))
    for path in (f"/runs/{run.pk}/", f"/runs/{run.pk}/panel/"):
        assert KEY not in html_of(reviewer, path)
    assert MASK in html_of(reviewer, f"/runs/{run.pk}/panel/")
    unknown = advance(run_of(call("pay", **{KEY: 1})))
    assert KEY not in html_of(reviewer, f"/runs/{unknown.pk}/")


def test_it_masks_what_is_not_json(reviewer: User, hold: Hold) -> None:
    approval = hold()
    raw = '{"key": "\\n' + KEY
    ToolCall.objects.filter(pk=approval.tool_call_id).update(raw_arguments=raw, arguments_json=None)
    html = html_of(reviewer, f"/runs/{approval.run_id}/calls/{approval.tool_call_id}/")
    assert '{&quot;key&quot;: &quot;\\n<span class="masked">' in html
    assert KEY not in html


def test_it_masks_every_line_of_a_key_in_the_diff(reviewer: User, hold: Hold) -> None:
    first = hold(path="a.txt", content="x\n" * 9 + f"{BODY}2\n-----END RSA PRIVATE KEY-----\nend\n")
    folder = first.thread.folder / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.txt").write_text(
        "x\n" * 9 + PEM.replace("KEY-----\n", "KEY-----\n" + "AAAA\n" * 9, 1) + "\nend\n"
    )
    html = html_of(reviewer, at(first))
    diff = html[html.index('<div class="diff"') : html.index('<dl class="values"')]
    assert "AAAA" not in diff
    assert f"{BODY}<" not in diff
    assert '<span><span class="masked">' in diff
    assert "1 value on this card looks secret and is masked." in html


def test_it_masks_a_call_in_doubt(reviewer: User, hold: Hold) -> None:
    approval = hold()
    journal.settle(approval.pk, journal.Verdict(Decision.APPROVE, approval.digest, "rene", "page"))
    lease = journal.claim(approval.run_id, "w", slots=9, lease_seconds=30)
    with journal.entry(approval.run_id, lease) as entry:
        journal.start(entry, journal.call_of(entry.run.run_id, approval.tool_call_id), worker="w")
    with journal.entry(approval.run_id, lease) as entry:
        journal.doubt(entry, approval.tool_call_id)
    html = html_of(reviewer, "/doubts/")
    assert MASK in html
    assert KEY not in html
    assert f"{at(approval)}reveal/" in html


def test_a_result_is_not_cut_within_a_secret(hold: Hold) -> None:
    call_row = hold().tool_call
    call_row.answer = "x" * (cards.RESULT - 10) + " " + TOKEN
    card = cards.make(call_row, None)
    assert TOKEN[:5] not in card.outcome
    assert card.more == len(TOKEN)


def test_it_masks_what_a_person_typed_too_late(reviewer: User, administrator: User, hold: Hold) -> None:
    approval = hold()
    browser = Page(reviewer)
    browser.get(at(approval))
    actions.cancel_run(as_person(administrator), approval.run_id)
    sent = {"decision": "edit", "digest": approval.digest, "arg.content": f"{KEY} more"}
    token = browser.client.cookies["csrftoken"].value
    answer = browser.post(f"{at(approval)}decide/", {**sent, "csrfmiddlewaretoken": token})
    assert answer.status_code == 409
    assert "What you typed" in text_of(answer)
    assert KEY not in text_of(answer)


def test_a_mask_cannot_be_written_by_a_model(reviewer: User, hold: Hold) -> None:
    html = html_of(reviewer, at(hold(path="a.txt", content=f'{MASK} <span class="masked">{MASK}</span>')))
    assert '<span class="masked">' not in html
    assert REVEAL not in html


def test_it_says_nothing_where_nothing_looks_secret(reviewer: User, ask: Ask) -> None:
    html = html_of(reviewer, at(ask()))
    for word in ("masked", "secret", "reveal"):
        assert word not in html
    assert 'name="arg.content"' in html


def test_the_marks_of_hidden_characters_stay(reviewer: User, hold: Hold) -> None:
    html = html_of(reviewer, at(hold(path="a.txt", content=f"https://u:p\u202ew@x {KEY}")))
    assert html.count("U+202E</span>") == 1
    assert "1 hidden character: 1 × U+202E." in html
    assert "I have seen the 1 hidden character" in html


def test_what_runs_and_its_digest_stay(reviewer: User, hold: Hold, advance: Advance) -> None:
    approval = hold()
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', html_of(reviewer, at(approval)))
    assert digest
    assert digest[1] == approval.digest
    browser = Page(reviewer)
    assert browser.send(at(approval), f"{at(approval)}decide/", decision="approve").status_code == 302
    advance(approval.run)
    assert (approval.thread.folder / "files" / "notes.txt").read_text() == f"key = {KEY}\n"
